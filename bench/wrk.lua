-- Asks what is in a file of bodies, one a line, in the order of a file of line numbers, over and over.
-- Arguments: path of the bodies, path of the order, then header lines.
local requests, order, at = {}, {}, 0

function init(args)
  local headers = { ['content-type'] = 'application/json' }
  for index = 3, #args do
    local name, value = args[index]:match('^([^:]+): *(.*)$')
    headers[name] = value
  end
  for line in io.lines(args[1]) do requests[#requests + 1] = wrk.format('POST', nil, headers, line) end
  for line in io.lines(args[2]) do order[#order + 1] = tonumber(line) + 1 end
end

function request()
  at = at % #order + 1
  return requests[order[at]]
end

-- A state of its own, to which `init` is not known: it prints, and whoever started wrk reads.
function done(summary, latency)
  io.write(string.format('\n{"requests":%d,"microseconds":%d,"failed":%d,"p50":%d,"p99":%d}\n', summary.requests, summary.duration,
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
