-- Sends the requests in a file over and over, in order, and prints a report as one line of JSON.
-- Usage: wrk … -s wrk.lua URL -- FILE FIRST
-- FILE: complete HTTP requests, separated by NUL. In each, \1 stands for a 13-digit number: FIRST in the
-- first round, one more in every later round. It serves as a sequence that must grow.
local requests, number, at = {}, 0, 0

function init(args)
  local file = assert(io.open(args[1], 'rb'))
  for text in file:read('*a'):gmatch('[^%z]+') do
    local head, tail = text:match('^(.-)\1(.*)$')
    requests[#requests + 1] = tail and { head = head, tail = tail } or { head = text }
  end
  file:close()
  number = tonumber(args[2])
end

function request()
  at = at + 1
  if at > #requests then
    at = 1
    number = number + 1
  end
  local request = requests[at]
  if request.tail then return request.head .. string.format('%.0f', number) .. request.tail end
  return request.head
end

function done(summary, latency)
  local errors = summary.errors
  print(string.format(
    '{"requests":%d,"seconds":%f,"p50":%f,"p99":%f,"refused":%d,"broken":%d}',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout
  ))
end
