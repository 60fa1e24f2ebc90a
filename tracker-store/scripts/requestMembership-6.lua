-- Asks to join a group.
-- KEYS: 1 idempotency, 2 revision, 3 stream, 4 meta, 5 members, 6 requests
-- ARGV: 1 group, 2 by, 3 at, 4 channel
-- Answers { revision }. GROUP_NOT_FOUND, ALREADY_MEMBER, ALREADY_REQUESTED.
local answer = repeated()
if answer then return answer end
if groupMissing() then return refuse('GROUP_NOT_FOUND') end
if roleOf(ARGV[2]) then return refuse('ALREADY_MEMBER', ARGV[2]) end
local request = string.format('{"user":%s,"since":%s}', quote(ARGV[2]), quote(ARGV[3]))
if redis.call('HSETNX', KEYS[6], ARGV[2], request) == 0 then return refuse('ALREADY_REQUESTED', ARGV[2]) end
local revision = emit('"type":"member.requested","user":' .. quote(ARGV[2]))
return done(string.format('{"revision":%d}', revision))
