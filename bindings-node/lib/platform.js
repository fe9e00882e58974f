'use strict'

/** What napi-rs calls this platform, as in `counterfoil.linux-x64-gnu.node` and in the package `counterfoil-linux-x64-gnu`. */
function platform() {
  const { platform, arch } = process
  if (platform === 'linux') return `linux-${arch}-${isGlibc() ? 'gnu' : 'musl'}`
  if (platform === 'win32') return `win32-${arch}-msvc`
  return `${platform}-${arch}`
}

function isGlibc() {
  return process.report.getReport().header.glibcVersionRuntime !== undefined
}

module.exports = { platform }
