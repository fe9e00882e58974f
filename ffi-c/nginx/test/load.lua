-- wrk: the requests of the file $REQUESTS in turn, each a line of path and headers, with tabs between.

local requests = {}

function init(arguments)
  for line in io.lines(os.getenv("REQUESTS")) do
    local parts = {}
    for part in line:gmatch("[^\t]+") do parts[#parts + 1] = part end
    local headers = {}
    for i = 2, #parts, 2 do headers[parts[i]] = parts[i + 1] end
    requests[#requests + 1] = wrk.format("GET", parts[1], headers)
  end
end

local number = 0

function request()
  number = number + 1
  return requests[number % #requests + 1]
end
