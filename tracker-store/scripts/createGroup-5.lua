-- Creates a group; its creator becomes the owner.
-- KEYS: 1 idempotency, 2 revision, 3 stream, 4 meta, 5 members
-- ARGV: 1 group, 2 by, 3 at, 4 channel
-- Answers { revision }. GROUP_TAKEN: the taken name, which may differ in case.
local answer = repeated()
if answer then return answer end
local taken = redis.call('HGET', KEYS[4], 'name')
if taken then return refuse('GROUP_TAKEN', taken) end
redis.call('PERSIST', KEYS[3])
redis.call('HSET', KEYS[4], 'name', ARGV[1], 'created', ARGV[3], 'owner', ARGV[2])
setMember(ARGV[2], 'owner', ARGV[3])
local revision = emit('"type":"group.created","owner":' .. quote(ARGV[2]))
return done(string.format('{"revision":%d}', revision))
