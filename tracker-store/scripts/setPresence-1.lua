-- Keeps what was last heard of some peers, of each unless something newer is there.
-- KEYS: 1 what the peers' keys begin with: each ends in the peer's id
-- ARGV: 1 the time that is so long ago that it has expired; then changes, one a line, each beginning with the peer's
-- id, its sequence and when it was seen: 2 heartbeats, 3 announces, with the presence (JSON) as the rest of the line,
-- 4 those that are gone
-- Answers the ids of those whose heartbeat is of an announce that is not here. A line that is not of this form is
-- passed over: one bad change must not cost the others of its batch.
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

-- Long lines: to look for their ends costs a fraction of what a pattern does.
local at = 1
while at <= #ARGV[3] do
  local stop = ARGV[3]:find('\n', at, true)
  if not stop then break end
  local peer, sequence, seen, presence = ARGV[3]:match('^(%S+) (%d+) (%d+) ()', at)
  local key, life
  if peer then key, life = place(peer, sequence, seen) end
  if key then
    redis.call('HSET', key, 'sequence', sequence, 'presence', ARGV[3]:sub(presence, stop - 1), 'seen', seen)
    redis.call('PEXPIRE', key, life)
  end
  at = stop + 1
end

for peer, sequence, seen in ARGV[4]:gmatch('(%S+) (%d+) (%d+)') do
  local key = place(peer, sequence, seen)
  if key then redis.call('DEL', key) end
end
return { 'OK', #lost == 0 and '[]' or quote(lost) }
