-- Keeps what was last heard of a peer, unless something newer is there.
-- KEYS: 1 presence of the peer
-- ARGV: 1 type (announce, heartbeat, gone), 2 sequence, 3 seen, 4 milliseconds to live, 5 presence (JSON)
-- Answers true; false to a heartbeat when the announce of its sequence is not here.
local stored = tonumber(redis.call('HGET', KEYS[1], 'sequence') or -1)
local sequence = tonumber(ARGV[2])
if ARGV[1] == 'heartbeat' and stored < sequence then return { 'OK', 'false' } end
if stored > sequence then return { 'OK', 'true' } end
if ARGV[1] == 'gone' then
  redis.call('DEL', KEYS[1])
  return { 'OK', 'true' }
end
if ARGV[1] == 'announce' then redis.call('HSET', KEYS[1], 'sequence', ARGV[2], 'presence', ARGV[5]) end
redis.call('HSET', KEYS[1], 'seen', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return { 'OK', 'true' }
