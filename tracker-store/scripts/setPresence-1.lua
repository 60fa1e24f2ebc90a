-- Keeps what was last heard of some peers, of each unless something newer is there.
-- KEYS: 1 what the peers' keys begin with: each ends in the peer's id
-- ARGV: 1 the time that is so long ago that it has expired, 2 heartbeats, one a line: id, sequence, seen;
-- then five for each other change: id, type (announce, gone), sequence, seen, presence (JSON)
-- Answers the ids of those whose heartbeat is of an announce that is not here.
local expired, lost = tonumber(ARGV[1]), {}

-- The key, and milliseconds to live; nil where this is too old to be kept.
local function place(peer, sequence, seen)
  local key, life = KEYS[1] .. peer, tonumber(seen) - expired
  local stored = tonumber(redis.call('HGET', key, 'sequence') or -1)
  if life <= 0 or stored > tonumber(sequence) then return nil end
  return key, life, stored
end

for peer, sequence, seen in ARGV[2]:gmatch('(%S+) (%d+) (%d+)') do
  local key, life, stored = place(peer, sequence, seen)
  if key and stored < tonumber(sequence) then
    lost[#lost + 1] = peer
  elseif key then
    redis.call('HSET', key, 'seen', seen)
    redis.call('PEXPIRE', key, life)
  end
end

for i = 3, #ARGV, 5 do
  local kind, sequence, seen = ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  local key, life = place(ARGV[i], sequence, seen)
  if key and kind == 'gone' then
    redis.call('DEL', key)
  elseif key then
    redis.call('HSET', key, 'sequence', sequence, 'presence', ARGV[i + 4], 'seen', seen)
    redis.call('PEXPIRE', key, life)
  end
end
return { 'OK', #lost == 0 and '[]' or quote(lost) }
