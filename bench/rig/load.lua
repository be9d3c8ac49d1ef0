-- For wrk. From the environment: BODY_BYTES makes it a POST of that size; TOKENS names a file of tokens, one a line, of which
-- each request takes the next; FIRST is where in it to begin.
local size = tonumber(os.getenv("BODY_BYTES") or "0")
if size > 0 then
  wrk.method = "POST"
  wrk.body = string.rep("x", size)
end
local file = os.getenv("TOKENS")
if file then
  local requests, at = {}, tonumber(os.getenv("FIRST") or "0")
  function init()
    for token in io.lines(file) do
      requests[#requests + 1] = wrk.format("GET", "/x", { ["Authorization"] = "Bearer " .. token, ["Host"] = "localhost" })
    end
  end
  function request()
    at = at % #requests + 1
    return requests[at]
  end
end
