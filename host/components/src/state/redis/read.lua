-- Reads items, all at one moment.
--
-- KEYS has their keys; ARGV the most bytes that the answer may have, and that one value may. Answers, for each key, false
-- where nothing is, or its value, version, content type (false: none) and end (false: none). What is too large, or no item, is
-- an error, and nothing else is answered.

local most, most_of_one = tonumber(ARGV[1]), tonumber(ARGV[2])
local items, size, clock = {}, 0, nil

for i, key in ipairs(KEYS) do
  local data, version, about = false, false, false
  -- Looked at before it is read, since it may have any size.
  local length = redis.pcall('HSTRLEN', key, 'data')
  if type(length) == 'number' then
    if length > most_of_one then
      return redis.error_reply('LARGEITEM ' .. length)
    end
    local fields = redis.call('HMGET', key, 'data', 'version', 'content-type')
    data, version, about = fields[1], fields[2], fields[3]
    if not data ~= not version then
      return redis.error_reply('NOITEM ' .. i .. ' lacks a field')
    end
  elseif not string.find(length.err, '^WRONGTYPE') then
    return length
  else
    local kind = redis.call('TYPE', key).ok
    if kind ~= 'string' then
      return redis.error_reply('NOITEM ' .. i .. ' ' .. kind)
    end
    length = redis.call('STRLEN', key)
    if length > most_of_one then
      return redis.error_reply('LARGEITEM ' .. length)
    end
    -- daprd reads it, too. It has no version, so that what it holds must tell.
    data = redis.call('GET', key)
    version = 'sha1-' .. redis.sha1hex(data)
  end

  if not data then
    items[i] = false
  else
    size = size + #data + #version + (about and #about or 0)
    if size > most then
      return redis.error_reply('LARGEANSWER ' .. ARGV[1])
    end
    local left, ends = redis.call('PTTL', key), false
    if left >= 0 then
      clock = clock or redis.call('TIME')
      ends = string.format('%.0f', clock[1] + (clock[2] / 1000 + left) / 1000)
    end
    items[i] = { data, version, about, ends }
  end
end
return items
