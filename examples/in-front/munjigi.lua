-- HAProxy (2.5 or later) has no question of its own to ask; its Lua has a client that can. Loaded by haproxy.cfg.
-- Sets txn.munjigi_status to the answer's status, txn.munjigi_location, and txn.munjigi_user, _name, _email, _groups,
-- _provider and _session. Anything that goes wrong leaves a status that is not 200.

local question = "http://munjigi/.auth/check?redirect=1"
local where = os.getenv("MUNJIGI_SOCKET") or "unix@/run/munjigi/http.sock"

-- What a decision depends on. Nothing else of the client's goes along.
local told = {
    "cookie", "authorization", "accept", "accept-language", "origin", "user-agent", "x-requested-with", "x-csrf-token",
    "sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest", "sec-websocket-key", "access-control-request-method",
}

local function first(headers, name)
    return headers and headers[name] and headers[name][0]
end

core.register_action("munjigi", { "http-req" }, function(txn)
    txn:set_var("txn.munjigi_status", 503)
    local sent = txn.http:req_get_headers()
    local asked = {
        ["host"] = { txn.sf:var("txn.munjigi_host") },
        ["x-forwarded-for"] = { txn.sf:src() },
        ["x-forwarded-proto"] = { "https" },
        ["x-original-uri"] = { txn.sf:pathq() },
        ["x-original-method"] = { txn.sf:method() },
    }
    for _, name in ipairs(told) do
        if sent[name] then
            asked[name] = {}
            -- HAProxy counts from 0, a request to be sent from 1. Every line goes along: two are not one.
            for at = 0, #sent[name] do
                asked[name][at + 1] = sent[name][at]
            end
        end
    end
    local answer = core.httpclient():get({ url = question, dst = where, headers = asked, timeout = 5000 })
    if not answer or not answer.status then
        return
    end
    txn:set_var("txn.munjigi_status", answer.status)
    local location = first(answer.headers, "location")
    if location then
        txn:set_var("txn.munjigi_location", location)
    end
    for _, item in ipairs({ "user", "name", "email", "groups", "provider", "session" }) do
        local value = first(answer.headers, "x-auth-" .. item)
        if value then
            txn:set_var("txn.munjigi_" .. item, value)
        end
    end
end)
