/* wrk knows no client certificates: each of its TLS contexts gets the one of $CLIENT_CERTIFICATE and $CLIENT_KEY. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <openssl/ssl.h>
#include <stdlib.h>

SSL_CTX *
SSL_CTX_new(const SSL_METHOD *method)
{
    SSL_CTX *(*real)(const SSL_METHOD *) = (SSL_CTX * (*) (const SSL_METHOD *) ) dlsym(RTLD_NEXT, "SSL_CTX_new");
    SSL_CTX *context = real(method);

    if (context == NULL || SSL_CTX_use_certificate_file(context, getenv("CLIENT_CERTIFICATE"), SSL_FILETYPE_PEM) != 1
        || SSL_CTX_use_PrivateKey_file(context, getenv("CLIENT_KEY"), SSL_FILETYPE_PEM) != 1)
    {
        abort();
    }
    return context;
}
