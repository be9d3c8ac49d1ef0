// The browser's road: to the login page and back, and what one is told on the way. Started by tests/gateway/browser.rs.
//
// The application behind the gateway answers every request with a page that repeats it and has a form; /open is public and
// /staff is for 60249999.
import { strict as assert } from 'node:assert'
import { RIGHT, base, broken, heard, language, logIn, look, person, phone, shot, tell, withoutCookies } from './stage.mjs'

const PLACE = '/grades?term=2&x=%2F%2f&y=a+b'

await tell({
  async 'log in with the keyboard alone, without scripts, at 360 pixels, and come back to the exact address' () {
    const { context, page } = await person({ ...phone, javaScriptEnabled: false })
    await page.goto(base + PLACE)
    assert.equal(await page.title(), '로그인 · Munjigi')
    // The cursor stands in the first field.
    await page.keyboard.type(RIGHT[0])
    await page.keyboard.press('Tab')
    await page.keyboard.type(RIGHT[1])
    await page.keyboard.press('Tab')
    await page.keyboard.press('Space')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.waitForURL(base + PLACE)
    assert.equal(await heard(page), `GET ${PLACE}`)
    const cookies = await context.cookies()
    assert.ok(cookies.every(cookie => cookie.httpOnly && cookie.secure && cookie.expires > 0), 'remember me was ticked')
    await context.close()
  },

  async 'a wrong password, and the switch to English that stays' () {
    const { context, page } = await person(phone)
    await page.goto(base + PLACE)
    assert.equal(await language(page), 'ko')
    await look(page, 'login')
    await shot(page, 'login-phone')
    await page.emulateMedia({ colorScheme: 'dark' })
    await look(page, 'login in the dark')
    await shot(page, 'login-phone-dark')
    await page.emulateMedia({ colorScheme: 'light' })
    await logIn(page, '60241234', 'wrong')
    await page.waitForSelector('[role=alert]')
    assert.equal(await page.inputValue('#id'), '60241234')
    assert.equal(await page.inputValue('#password'), '')
    assert.match(await page.textContent('[role=alert]'), /아이디 또는 비밀번호가 다릅니다/)
    await look(page, 'login refused')
    await page.click('a.lang')
    await page.waitForSelector('html[lang=en]')
    await look(page, 'login in English')
    // Without the parameter it is English still, at the place it was asked for.
    await page.goto(base + '/other')
    assert.equal(await language(page), 'en')
    await page.setViewportSize({ width: 1280, height: 760 })
    await shot(page, 'login-desktop-en')
    await logIn(page, '60241234', 'pw-60241234')
    await page.waitForURL(base + '/other')
    await context.close()
  },

  async 'a fetch gets 401 as JSON, and what a page loads is never where one comes back to' () {
    const { context, page } = await person()
    await page.goto(base + '/open')
    const answer = await page.evaluate(async () => {
      const got = await fetch('/grades')
      return [got.status, got.redirected, got.headers.get('content-type'), (await got.json()).error]
    })
    assert.deepEqual(answer, [401, false, 'application/json', 'token_missing'])
    await page.goto(base + '/last')
    await logIn(page, ...RIGHT)
    await page.waitForURL(base + '/last')
    const inside = await page.evaluate(async () => (await fetch('/grades')).status)
    assert.equal(inside, 200)
    await context.close()
  },

  async 'two tabs show the login, and neither breaks the other' () {
    const { context, page: one } = await person()
    const two = await context.newPage()
    await one.goto(base + '/one?a=1')
    await two.goto(base + '/two?b=2')
    await logIn(two, ...RIGHT)
    await two.waitForURL(base + '/two?b=2')
    await logIn(one, ...RIGHT)
    await one.waitForURL(base + '/one?a=1')
    await two.reload()
    assert.equal(await heard(two), 'GET /two?b=2')
    // A login page that was left open goes on by itself.
    await two.goto(base + '/login?next=/three')
    await two.waitForURL(base + '/three')
    await context.close()
  },

  async 'what was written meets an ended login, and is sent after a login in another tab' () {
    const { context, page } = await person(phone)
    await page.goto(base + '/board')
    await logIn(page, ...RIGHT)
    await page.waitForURL(base + '/board')
    await context.clearCookies()
    await page.fill('#text', 'an hour of work')
    await page.click('#send')
    await page.waitForSelector('.code:text("401")')
    await look(page, 'form not sent')
    const [tab] = await Promise.all([context.waitForEvent('page'), page.click('a[target=_blank]')])
    await tab.waitForSelector('#id')
    await logIn(tab, ...RIGHT)
    await tab.waitForURL(base + '/.auth/logged-in')
    await look(tab, 'logged in for the other tab')
    await page.reload()
    assert.equal(await heard(page), 'POST /board text=an+hour+of+work')
    await context.close()
  },

  async 'not allowed here, and in with another account' () {
    const { context, page } = await person(phone)
    await page.goto(base + '/staff/list?x=1')
    await logIn(page, ...RIGHT)
    await page.waitForSelector('.code:text("403")')
    assert.equal(page.url(), base + '/staff/list?x=1')
    await look(page, 'not allowed')
    await shot(page, 'refusal-phone')
    await page.click('a[href*="switch=1"]')
    await page.waitForSelector('#id')
    await look(page, 'login with another account')
    await page.click('a.lang')
    await page.waitForSelector('html[lang=en] #id')
    await logIn(page, '60249999', 'pw-60249999')
    await page.waitForURL(base + '/staff/list?x=1')
    assert.equal(await heard(page), 'GET /staff/list?x=1')
    await context.close()
  },

  async 'a browser that keeps no cookies is told so instead of being asked again and again' () {
    const { context, page } = await withoutCookies()
    await page.goto(base + PLACE)
    await logIn(page, ...RIGHT)
    await page.waitForSelector('.code:text("400")')
    assert.equal(page.url(), base + PLACE)
    await look(page, 'cookies not kept')
    await page.click('a.button >> nth=0')
    await page.waitForSelector('#id')
    await context.close()
  },

  async 'a session on another device is ended, with the password' () {
    const agent = 'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Mobile Safari/604.1'
    const lost = await person({ userAgent: agent })
    const { context, page } = await person(phone)
    for (const each of [lost.page, page]) {
      await each.goto(base + '/mine')
      await logIn(each, '60245678', 'pw-60245678')
      await each.waitForURL(base + '/mine')
    }
    await page.goto(base + '/.auth/account')
    assert.equal(await page.locator('.cards li').count(), 2)
    assert.match(await page.textContent('.cards li >> nth=0'), /이 기기/)
    await look(page, 'account')
    await shot(page, 'account-phone')
    await page.click('.cards li:has-text("iPhone") button')
    await page.waitForSelector('#f1')
    await look(page, 'password asked again')
    await page.fill('#f1', 'wrong')
    await page.press('#f1', 'Enter')
    await page.waitForSelector('[aria-invalid=true]')
    await look(page, 'password asked again and wrong')
    await lost.page.reload()
    assert.equal(await heard(lost.page), 'GET /mine')
    await page.fill('#f1', 'pw-60245678')
    await page.press('#f1', 'Enter')
    await page.waitForSelector('a[href="/.auth/account"]')
    await look(page, 'session ended')
    await lost.page.reload()
    await lost.page.waitForSelector('#why')
    assert.equal(new URL(lost.page.url()).searchParams.get('why'), 'elsewhere')
    await look(lost.page, 'login after an end elsewhere')
    await page.click('a[href="/.auth/account"]')
    await page.waitForSelector('.cards li')
    assert.equal(await page.locator('.cards li').count(), 1)
    await lost.context.close()
    await context.close()
  },

  async 'a style that nobody vouched for is stopped, and seen by these stories' () {
    const { context, page } = await person()
    await page.goto(base + '/login')
    const seen = broken.length
    const [message] = await Promise.all([
      page.waitForEvent('console'),
      page.evaluate(() => document.head.append(Object.assign(document.createElement('style'), { textContent: 'body { display: none }' })))
    ])
    assert.match(message.text(), /Content.Security.Policy/i)
    assert.equal(broken.length, seen + 1)
    broken.pop()
    await context.close()
  },

  async 'log out' () {
    const { context, page } = await person(phone)
    await page.goto(base + '/mine')
    await logIn(page, ...RIGHT)
    await page.waitForURL(base + '/mine')
    await page.goto(base + '/.auth/me')
    await look(page, 'who am I')
    await page.goto(base + '/logout')
    await look(page, 'log out?')
    await page.click('button >> nth=0')
    await page.waitForSelector('a[href="/login"]')
    await look(page, 'logged out')
    assert.deepEqual((await context.cookies()).map(cookie => cookie.name), [])
    await page.goto(base + '/mine')
    await page.waitForSelector('#id')
    await context.close()
  }
})
