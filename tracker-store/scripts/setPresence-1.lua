-- Stores the latest presence of several peers, keeping any newer entry.
-- KEYS: 1 the prefix of the peers' keys; each ends in the peer's id
-- ARGV: 1 the time before which entries have expired; then lines that each begin with peer id, sequence and time
-- seen: 2 heartbeats, 3 announces, whose line ends with the presence (JSON), 4 departures
-- Answers the ids of peers whose heartbeat repeats an announce that Redis does not have. Malformed lines are skipped:
-- one bad change must not cost the rest of its batch.
local expired, lost = tonumber(ARGV[1]), {}

-- The key and its time to live in ms, or nil if the change is out of date.
local function entryFor(peer, sequence, seen)
  local key, life = KEYS[1] .. peer, tonumber(seen) - expired
  local stored = tonumber(redis.call('HGET', key, 'sequence') or -1)
  if life <= 0 or stored > tonumber(sequence) then return nil end
  return key, life, stored
end

for peer, sequence, seen in ARGV[2]:gmatch('(%S+) (%d+) (%d+)') do
  local key, life, stored = entryFor(peer, sequence, seen)
  if key and stored < tonumber(sequence) then
    lost[#lost + 1] = peer
  elseif key then
    redis.call('HSET', key, 'seen', seen)
    redis.call('PEXPIRE', key, life)
  end
end

-- Announce lines are long: finding their ends is much cheaper than matching a pattern.
local at = 1
while at <= #ARGV[3] do
  local stop = ARGV[3]:find('\n', at, true)
  if not stop then break end
  local peer, sequence, seen, presence = ARGV[3]:match('^(%S+) (%d+) (%d+) ()', at)
  local key, life
  if peer then key, life = entryFor(peer, sequence, seen) end
  if key then
    redis.call('HSET', key, 'sequence', sequence, 'presence', ARGV[3]:sub(presence, stop - 1), 'seen', seen)
    redis.call('PEXPIRE', key, life)
  end
  at = stop + 1
end

for peer, sequence, seen in ARGV[4]:gmatch('(%S+) (%d+) (%d+)') do
  local key = entryFor(peer, sequence, seen)
  if key then redis.call('DEL', key) end
end
return { 'OK', #lost == 0 and '[]' or quote(lost) }
