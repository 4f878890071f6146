-- A thousand requests that differ in path, query and headers, sent in turn: one request repeated flatters every cache.
local verbs = { "books", "authors", "orders", "customers", "search", "covers", "reviews", "stock" }
local agents = { "curl/8.5.0", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "okhttp/4.12.0", "Go-http-client/1.1", "bench" }
local languages = { "en", "en-GB,en;q=0.8", "de-CH, de;q=0.9, en;q=0.5", "zh-CN" }
local requests = {}
local at = 0

-- The same sequence everywhere: no random seed of the machine.
local state = 12345
local function draw(below)
  state = (state * 1103515245 + 12345) % 2147483648
  return math.floor(state / 65536) % below
end

function init()
  for i = 1, 1000 do
    local path = "/" .. verbs[draw(#verbs) + 1] .. "/" .. draw(100000)
    if draw(2) == 0 then path = path .. "/parts/" .. draw(50) end
    if draw(3) == 0 then path = path .. "?page=" .. draw(20) .. "&q=" .. string.rep("w", draw(40)) end
    local headers = {
      ["Host"] = "echo.bench",
      ["User-Agent"] = agents[draw(#agents) + 1],
      ["Accept"] = "*/*",
      ["Accept-Language"] = languages[draw(#languages) + 1],
    }
    if draw(2) == 0 then headers["X-Bench"] = "1" end
    if draw(2) == 0 then headers["Cookie"] = "session=" .. string.rep(string.char(97 + draw(26)), 8 + draw(56)) end
    if draw(4) == 0 then headers["X-Trace-" .. draw(30)] = tostring(draw(1000000)) end
    requests[i] = wrk.format("GET", path, headers)
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end
