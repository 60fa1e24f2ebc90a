-- Adds names to the index of names if they are files, whatever changes meanwhile.
-- KEYS: 1 files, 2 names
-- ARGV: names
-- Answers {}.
for _, name in ipairs(ARGV) do
  if redis.call('HEXISTS', KEYS[1], name) == 1 then redis.call('ZADD', KEYS[2], 0, name) end
end
return { 'OK', '{}' }
