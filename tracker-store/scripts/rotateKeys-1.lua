-- Adds a signing key unless a recent one exists; keeps the newest two. Safe to repeat, because the kid is compared.
-- KEYS: 1 list of keys (JSON), newest first
-- ARGV: 1 candidate (JSON), 2 the time after which a key counts as recent
-- Answers the list.
local candidate = cjson.decode(ARGV[1])
local newest = redis.call('LINDEX', KEYS[1], 0)
local current = newest and cjson.decode(newest)
if not current or (current.kid ~= candidate.kid and current.created <= ARGV[2]) then
  redis.call('LPUSH', KEYS[1], ARGV[1])
  redis.call('LTRIM', KEYS[1], 0, 1)
end
return { 'OK', '[' .. table.concat(redis.call('LRANGE', KEYS[1], 0, -1), ',') .. ']' }
