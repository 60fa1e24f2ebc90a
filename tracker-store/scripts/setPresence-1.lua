-- Keeps what was last heard of some peers, of each unless something newer is there.
-- KEYS: 1 what the peers' keys begin with: each ends in the peer's id
-- ARGV: six a peer: 1 its id, 2 type (announce, heartbeat, gone), 3 sequence, 4 seen, 5 milliseconds to live,
-- 6 presence (JSON)
-- Answers the ids of those whose heartbeat is of an announce that is not here.
local lost = {}
for i = 1, #ARGV, 6 do
  local peer, kind, sequence, seen, life = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2]), ARGV[i + 3], tonumber(ARGV[i + 4])
  local key = KEYS[1] .. peer
  local stored = tonumber(redis.call('HGET', key, 'sequence') or -1)
  if life <= 0 or stored > sequence then
    -- Too old to be kept.
  elseif kind == 'heartbeat' and stored < sequence then
    lost[#lost + 1] = peer
  elseif kind == 'gone' then
    redis.call('DEL', key)
  else
    if kind == 'announce' then
      redis.call('HSET', key, 'sequence', ARGV[i + 2], 'presence', ARGV[i + 5], 'seen', seen)
    else
      redis.call('HSET', key, 'seen', seen)
    end
    redis.call('PEXPIRE', key, life)
  end
end
return { 'OK', #lost == 0 and '[]' or quote(lost) }
