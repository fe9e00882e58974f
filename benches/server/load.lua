-- For wrk: sends each request of the file REQUESTS once, in turn, and tells what came of them as a line of JSON.
local requests, number = {}, 0

function init()
   local file = assert(io.open(os.getenv("REQUESTS"), "rb"))
   while true do
      local length = file:read("*l")
      if not length then break end
      requests[#requests + 1] = file:read(tonumber(length))
   end
   file:close()
end

-- Beyond the last one the first comes again, which a server refuses: such a run fails.
function request()
   number = number + 1
   return requests[(number - 1) % #requests + 1]
end

function done(summary, latency)
   local errors = summary.errors
   io.write(string.format(
      '\n{"requests": %d, "seconds": %.6f, "p50_ms": %.3f, "p99_ms": %.3f, "refused": %d, "failed": %d}\n',
      summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
      errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
