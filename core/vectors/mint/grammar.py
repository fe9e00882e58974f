"""The grammar of JSON (RFC 8259), in the manner of the public test suites: n_ is refused, y_ is accepted, by every implementation alike.

What RFC 8259 leaves open is decided here as the engine's documentation says: repeated names, lone surrogates, depth over 32, more than
128 open members and a byte order mark are refused; numbers of any size are accepted where nobody reads them.
"""

from attacks_encoding import BAD_UTF8
from book import Book
from encoding import text

ARRAYS_Y = {
    "empty": "[]", "spaces": "[ ]", "newlines": "[\n\r\t ]", "one": "[1]", "several": '[1,"a",null,true,false,{},[]]', "nested": "[[[[]]]]", "spaces_around_comma": "[1 , 2]", "trailing_newline": "[1]\n", "leading_space": " [1]", "null": "[null]", "false": "[false]", "true": "[true]", "empty_string": '[""]', "tab_around": "\t[1]\t", "heterogeneous": '[null,1,"1",{}]', "deep_32": "[" * 32 + "]" * 32,
    "wide": "[" + "0," * 500 + "0]", "of_objects": "[{},{},{}]", "crlf": "[1,\r\n2]",
}
ARRAYS_N = {
    "trailing_comma": "[1,]", "leading_comma": "[,1]", "double_comma": "[1,,2]", "comma_alone": "[,]", "two_commas": "[,,]", "unclosed": "[", "unclosed_with_value": "[1", "unclosed_with_comma": "[1,", "unclosed_nested": "[[1]", "closed_only": "]", "extra_close": "[1]]", "closed_by_brace": "[1}", "colon": '["a":1]', "missing_comma": "[1 2]", "missing_comma_strings": '["a" "b"]', "missing_comma_arrays": "[[] []]",
    "no_separator": "[1true]", "comma_behind": "[1],", "space_and_trailing_comma": "[1 , ]", "star": "[*]", "unclosed_string": '["a', "unclosed_newline": "[1,\n1\n,1", "number_and_newlines": "[1\n2]", "vertical_tab": "[\v1]", "form_feed": "[1\f]", "two_arrays": "[][]", "semicolon": "[1;2]", "apostrophe": "['a']", "question_mark": "[?]", "dots": "[...]", "empty_element": "[1,\"\",,]", "colon_alone": "[:]", "incomplete_true": "[tru]", "incomplete_false": "[fals]", "incomplete_null": "[nul]",
    "just_minus": "[-]", "inner_unclosed": "[[1,2]", "double_close_first": "]]", "nbsp": "[\u00a01]", "hash": "[#]", "nan": "[NaN]", "backslash": "[\\n]", "quote_only": '["]', "comma_before_close_nested": "[[1,],2]",
}
OBJECTS_Y = {
    "empty": "{}", "spaces": "{ }", "one": '{"a":1}', "several": '{"a":1,"b":"c","d":null}', "empty_name": '{"":0}', "spaces_everywhere": ' { "a" : 1 , "b" : [ ] } ', "nested": '{"a":{"a":{"a":{}}}}', "escaped_name": '{"\\u0061":1}', "escaped_nul_name": '{"a\\u0000b":1}', "unicode_name": '{"\u043f\u043e\u043b":1}', "long_name": '{"' + "n" * 2000 + '":1}', "same_name_at_other_levels": '{"a":{"a":1},"b":[{"a":1},{"a":2}]}', "newlines": '{\n"a":\n1\n}',
    "names_that_differ_in_case": '{"a":1,"A":2}', "names_prefix": '{"a":1,"ab":2,"abc":3}', "names_composed_and_not": '{"\u00e9":1,"e\u0301":2}', "name_like_literal": '{"true":1,"null":2}', "name_number": '{"1":1,"01":2}', "deep_32": '{"a":' * 31 + "{}" + "}" * 31, "members_128": "{" + ",".join(f'"{i}":0' for i in range(128)) + "}", "proto": '{"__proto__":{},"constructor":1}', "quote_in_name": '{"\\"":1,"\\\\":2}',
}
OBJECTS_N = {
    "trailing_comma": '{"a":1,}', "leading_comma": '{,"a":1}', "comma_alone": "{,}", "double_comma": '{"a":1,,"b":2}', "no_colon": '{"a" 1}', "no_value": '{"a":}', "no_name": "{:1}", "name_only": '{"a"}', "unquoted_name": "{a:1}", "single_quotes": "{'a':1}", "number_name": "{1:1}", "null_name": "{null:1}", "array_name": "{[]:1}", "object_name": "{{}:1}", "true_name": "{true:1}", "unclosed": "{", "unclosed_name": '{"a', "unclosed_colon": '{"a":', "unclosed_value": '{"a":1',
    "unclosed_comma": '{"a":1,', "closed_by_bracket": '{"a":1]', "extra_close": '{"a":1}}', "double_colon": '{"a"::1}', "equals": '{"a"=1}', "arrow": '{"a"=>1}', "comma_for_colon": '{"a",1}', "semicolon": '{"a":1;"b":2}', "missing_comma": '{"a":1 "b":2}', "two_values": '{"a":1 2}', "trailing_text": '{"a":1}x', "trailing_comment": '{"a":1}//', "trailing_block_comment": '{"a":1}/**/', "trailing_hash": '{"a":1}#', "comment_inside": '{"a":/*b*/1}', "comment_before": '/**/{"a":1}', "line_comment": '{"a":1//\n}',
    "slash": '{"a":1}/', "escape_outside": '\\u007b"a":1}', "bad_escape_in_name": '{"\\x61":1}', "tab_in_name": '{"\t":1}', "newline_in_name": '{"a\n":1}', "nul_behind": '{"a":1}\0', "closed_only": "}", "colon_only": "{:}", "second_object": '{"a":1}{"b":2}', "name_unclosed_comma": '{"a,":1', "wide_colon": '{"a"\uff1a1}', "wide_quotes": "{\u201ca\u201d:1}", "emoji_name": "{\U0001f600:1}", "comma_before_close": '{"a":[1,2,],"b":1}', "garbage_before": 'x{"a":1}',
}
NUMBERS_Y = {
    "zero": "0", "minus_zero": "-0", "one": "1", "minus_one": "-1", "ten": "10", "fraction": "1.5", "zero_fraction": "0.5", "minus_fraction": "-0.5", "fraction_zero": "1.0", "exponent": "1e2", "exponent_capital": "1E2", "exponent_plus": "1e+2", "exponent_minus": "1e-2", "exponent_capital_plus": "1E+2", "exponent_zero": "1e0", "exponent_leading_zeros": "1e0002", "zero_exponent": "0e1", "fraction_exponent": "1.5e-3", "huge_exponent": "1e99999", "tiny_exponent": "1e-99999", "many_digits": "1" * 400, "many_fraction_digits": "0." + "1" * 400, "minus_zero_fraction": "-0.0", "u64_max": "18446744073709551615",
    "beyond_u64": "18446744073709551616", "i64_min": "-9223372036854775808", "double_close_to_zero": "-0." + "0" * 70 + "1", "spaces_around": " 1 ", "minus_zero_exponent": "-0e0",
}
NUMBERS_N = {
    "leading_zero": "01", "two_zeros": "00", "minus_leading_zero": "-01", "plus": "+1", "plus_zero": "+0", "dot_first": ".5", "dot_last": "1.", "minus_dot": "-.5", "dot_alone": ".", "minus_alone": "-", "plus_alone": "+", "two_minus": "--1", "minus_space": "- 1", "exponent_empty": "1e", "exponent_plus_empty": "1e+", "exponent_minus_empty": "1e-", "exponent_two_signs": "1e+-2", "exponent_fraction": "1e2.5", "exponent_first": "e2", "exponent_twice": "1e2e3", "two_dots": "1.2.3", "dot_exponent": "1.e2", "zero_dot_exponent": "0.e1", "hex": "0x1F",
    "hex_digits": "1F", "octal": "0o17", "binary": "0b1", "underscore": "1_000", "comma": "1,000", "nan": "NaN", "infinity": "Infinity", "minus_infinity": "-Infinity", "inf": "inf", "minus_nan": "-NaN", "suffix_f": "1.0f", "suffix_n": "1n", "suffix_letter": "1a", "space_inside": "1 0", "wide_digit": "\uff11", "arabic_digit": "\u0661", "superscript": "\u00b2", "minus_sign": "\u22121", "slash": "1/2", "percent": "1%", "parentheses": "(1)", "minus_letter": "-a", "exponent_letter": "1ea", "zero_letter": "0a", "fraction_letter": "1.a", "minus_exponent": "-e1", "double_exponent_sign": "1e++2", "colon": "1:2",
}
STRINGS_Y = {
    "empty": '""', "ascii": '"abc"', "space": '" "', "escapes": '"\\"\\\\\\/\\b\\f\\n\\r\\t"', "unicode_escape": '"\\u0041"', "unicode_escape_lower": '"\\u00e9"', "unicode_escape_upper": '"\\u00E9"', "nul_escape": '"\\u0000"', "pair": '"\\ud83d\\ude00"', "pair_last": '"\\udbff\\udfff"', "pair_first": '"\\ud800\\udc00"', "pair_upper": '"\\uD83D\\uDE00"', "pair_twice": '"\\ud83d\\ude00\\ud83d\\ude01"', "non_character": '"\\uffff"', "reversed_bom_escape": '"\\ufffe"', "bom_escape": '"\\ufeff"', "two_octets": '"\u00e9"', "three_octets": '"\u20ac"', "four_octets": '"\U0001f600"',
    "last_code_point": '"\U0010ffff"', "del": '"\x7f"', "c1_control": '"\u0085"', "line_separator": '"\u2028\u2029"', "bom_inside": '"\ufeff"', "slash_unescaped": '"a/b"', "long": '"' + "x" * 3000 + '"', "backslash_last": '"a\\\\"', "quote_last": '"a\\""', "escaped_u": '"\\\\u0041"', "backslashes": '"\\\\\\\\"', "control_escapes": '"\\u0001\\u001f"', "comment_inside": '"/* a */ // b"', "brackets_inside": '"[{]}"', "non_character_raw": '"\uffff"', "combining": '"e\u0301"', "private_use": '"\ue000"', "surrogate_neighbours": '"\\ud7ff\\ue000"',
}
STRINGS_N = {
    "unclosed": '"', "unclosed_text": '"abc', "unclosed_escape": '"\\', "unclosed_backslash": '"abc\\', "unclosed_quote_escaped": '"abc\\"', "newline": '"\n"', "tab": '"\t"', "carriage_return": '"\r"', "nul": '"\0"', "control_01": '"\x01"', "control_1f": '"\x1f"', "backspace": '"\b"', "escape_x": '"\\x41"', "escape_a": '"\\a"', "escape_zero": '"\\0"', "escape_v": '"\\v"', "escape_e": '"\\e"', "escape_quote": "\"\\'\"", "escape_newline": '"\\\n"', "escape_capital_u": '"\\U0041"', "escape_capital_n": '"\\N"', "escape_unicode": '"\\\u00e9"', "escape_emoji": '"\\\U0001f600"',
    "u_short_0": '"\\u"', "u_short_1": '"\\u0"', "u_short_2": '"\\u00"', "u_short_3": '"\\u004"', "u_not_hex": '"\\u00g0"', "u_wide_digit": '"\\u004\uff11"', "u_space": '"\\u 041"', "u_plus": '"\\u+041"', "u_minus": '"\\u-041"', "u_braces": '"\\u{41}"', "u_end": '"\\u004', "pair_second_short": '"\\ud83d\\ude0"', "pair_second_not_hex": '"\\ud83d\\uxxxx"', "single_quotes": "'a'", "backticks": "`a`", "no_quotes": "abc", "leading_backslash": '\\"a"', "text_behind": '"a"b', "two": '"a""b"', "quote_inside": '"a"b"', "escape_only": "\\n", "smart_quotes": "\u201ca\u201d", "trailing_comma": '"a",', "space_in_u": '"\\u00 41"', "percent_u": '%u0041', "nul_before_quote": '\0"a"',
}
LONE = {
    "high": '"\\ud800"', "high_last": '"\\udbff"', "low": '"\\udc00"', "low_last": '"\\udfff"', "high_text": '"\\ud83dx"', "high_escape": '"\\ud83d\\n"', "high_high": '"\\ud83d\\ud83d"', "high_high_low": '"\\ud83d\\ud83d\\ude00"', "reversed": '"\\ude00\\ud83d"', "pair_low": '"\\ud83d\\ude00\\ude00"', "high_bmp": '"\\ud83d\\u0041"', "in_name": '{"\\ud800":1}', "in_array": '["\\udead"]', "upper": '"\\uDFAA"', "high_at_end": '"abc\\uD83D"', "low_first": '"\\uDE00abc"', "high_raw_emoji": '"\\ud83d\U0001f600"', "in_nested_name": '[{"a":{"\\udc00":1}}]',
}
WHOLE_Y = {"true": "true", "false": "false", "null": "null", "string": '"a"', "number": "7", "spaces": " \t\n\rtrue \t\n\r", "newline_behind": "null\n", "long_white_space": " " * 3000 + "1" + "\n" * 3000}
WHOLE_N = {
    "nothing": "", "space": " ", "newline": "\n", "true_capital": "True", "true_upper": "TRUE", "null_capital": "Null", "nul_cut": "nul", "tru_cut": "tru", "fals_cut": "fals", "truee": "truee", "nullx": "nullx", "undefined": "undefined", "none": "None", "nil": "nil", "two_values": "1 2", "two_literals": "truefalse", "comma": "1,2", "bom": "\ufeff1", "bom_object": "\ufeff{}", "bom_alone": "\ufeff", "nul": "\0", "nul_behind": "1\0", "nul_before": "\0001", "nbsp": "\u00a01", "line_separator": "\u20281", "ideographic_space": "\u30001", "zero_width": "\u200b1", "form_feed": "\f1", "vertical_tab": "\v1", "next_line": "\u00851",
    "comment": "// 1\n1", "block_comment": "/* 1 */1", "hash_comment": "# 1\n1", "xml": "<a/>", "yaml": "a: 1", "csv": "a,b", "question": "?", "open_brackets_no_close": "[[[[", "open_braces_no_close": '{"a":{"b":', "close_first": "]1[", "colon": ":", "single_letter": "t", "lone_quote": '"', "ellipsis": "\u2026", "byte_text": "b\"a\"", "raw_text": 'r"a"', "template": "${a}", "parentheses": "({})", "json_prefix": ")]}',\n{}", "assignment": "a={}", "semicolon_behind": "{};", "at": "@",
}
REPEATED = {
    "plain": '{"a":1,"a":2}', "same_value": '{"a":1,"a":1}', "far": '{"a":1,"b":2,"c":3,"a":4}', "escaped": '{"a":1,"\\u0061":2}', "escaped_both": '{"\\u0061":1,"\\u0061":2}', "escaped_solidus": '{"/":1,"\\/":2}', "escaped_hex_case": '{"\\u00e9":1,"\\u00E9":2}', "escaped_and_raw": '{"\u00e9":1,"\\u00e9":2}', "pair_and_raw": '{"\U0001f600":1,"\\ud83d\\ude00":2}', "newline_two_ways": '{"\\n":1,"\\u000a":2}', "nested": '{"a":{"b":1,"b":2}}', "nested_deep": '[[[{"a":[{"x":1,"x":2}]}]]]', "in_second_element": '[{"a":1},{"a":1,"a":2}]', "empty_name": '{"":1,"":2}', "after_nested": '{"a":{"b":1},"a":2}', "proto": '{"__proto__":1,"__proto__":2}',
    "last_of_128": "{" + ",".join(f'"{i}":0' for i in range(127)) + ',"0":1}', "nul": '{"\\u0000":1,"\\u0000":2}', "quote": '{"\\"":1,"\\u0022":2}', "backslash": '{"\\\\":1,"\\u005c":2}', "inner_and_outer": '{"a":{"a":1,"a":2}}', "long": '{"' + "n" * 500 + '":1,"' + "n" * 500 + '":2}',
}
DEEP = {"arrays_33": "[" * 33 + "]" * 33, "objects_33": '{"a":' * 32 + "{}" + "}" * 32, "mixed_34": '[{"a":' * 17 + "1" + "}]" * 17, "arrays_open_1000": "[" * 1000, "arrays_100000": "[" * 100_000, "objects_open_1000": '{"a":' * 1000, "behind_others": '{"a":[],"b":' + "[" * 32 + "]" * 32 + "}"}
MANY = {"129": "{" + ",".join(f'"{i}":0' for i in range(129)) + "}", "1000": "{" + ",".join(f'"{i}":0' for i in range(1000)) + "}", "open_at_once": "{" + ",".join(f'"{i}":0' for i in range(64)) + ',"x":{' + ",".join(f'"{i}":0' for i in range(64)) + "}}"}
MANY_Y = {"one_after_another": "[" + ",".join("{" + ",".join(f'"{i}":0' for i in range(100)) + "}" for _ in range(3)) + "]", "closed_before": '{"x":{' + ",".join(f'"{i}":0' for i in range(100)) + '},"y":{' + ",".join(f'"{i}":0' for i in range(100)) + "}}"}


def mint():
    book = Book("grammar", "The grammar of JSON (RFC 8259) and the limits of what the engine reads.")
    twins = {}

    def all_of(family, cases, expect="ok"):
        mark = "y" if expect == "ok" else "n"
        for what, value in cases.items():
            identifier = f"json.{mark}_{family}_{what}"
            book.add(identifier, "json", {"text": text(value)}, expect, twin=None if expect == "ok" else twins.get(family, "json.y_object_one"))
            if expect == "ok":
                twins.setdefault(family, identifier)

    book.source = "RFC 8259 grammar"
    for family, good, bad in [("object", OBJECTS_Y, OBJECTS_N), ("array", ARRAYS_Y, ARRAYS_N), ("number", NUMBERS_Y, NUMBERS_N), ("string", STRINGS_Y, STRINGS_N), ("whole", WHOLE_Y, WHOLE_N)]:
        all_of(family, good)
        all_of(family, bad, "json_malformed")
    book.source = "RFC 8259 section 8.2, RFC 7515 section 4, limits of the engine"
    twins["surrogate"] = "json.y_string_pair"
    all_of("surrogate", LONE, "json_lone_surrogate")
    all_of("repeated", REPEATED, "json_member_repeated")
    twins["deep"] = "json.y_array_deep_32"
    all_of("deep", DEEP, "json_too_deep")
    twins["members"] = "json.y_object_members_128"
    all_of("members", MANY, "json_too_many_members")
    all_of("members", MANY_Y)
    book.source = "RFC 3629, RFC 8259 section 8.1"
    for what, raw in BAD_UTF8.items():
        for place, around in {"string": (b'"', b'"'), "name": (b'{"', b'":1}'), "outside": (b"", b"[]"), "behind": (b"[]", b"")}.items():
            book.add(f"json.n_utf8_{place}_{what}", "json", {"text": text(around[0] + raw + around[1])}, "text_not_utf8", twin="json.y_string_two_octets")
    for what, raw, expect in [("utf16_le", '["a"]'.encode("utf-16-le"), "json_malformed"), ("utf16_be", '["a"]'.encode("utf-16-be"), "json_malformed"), ("utf16_bom", b"\xff\xfe[\0]\0", "text_not_utf8"), ("utf32_le", "[]".encode("utf-32-le"), "json_malformed"), ("utf8_bom", b"\xef\xbb\xbf[]", "json_malformed"), ("utf8_bom_cut", b"\xef\xbb[]", "text_not_utf8")]:
        book.add(f"json.n_{what}", "json", {"text": text(raw)}, expect, twin="json.y_array_empty")
    return [book]
