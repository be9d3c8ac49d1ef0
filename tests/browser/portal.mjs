// One login for all hosts. Started by tests/gateway/browser.rs with a gateway whose portal is auth.example.
import { strict as assert } from 'node:assert'
import { RIGHT, base, heard, logIn, look, person, phone, shot, tell, withoutCookies } from './stage.mjs'

const { port } = new URL(base)
const [portal, wiki, grades] = ['auth', 'wiki', 'grades'].map(name => `https://${name}.example:${port}`)
const PLACE = '/a/b?c=%2F%2f&d=e+f'

await tell({
  async 'one login serves two hosts, without scripts, and comes back to the exact address' () {
    const { context, page } = await person({ ...phone, javaScriptEnabled: false })
    await page.goto(wiki + PLACE)
    assert.equal(new URL(page.url()).origin, portal)
    await logIn(page, ...RIGHT)
    await page.waitForURL(wiki + PLACE)
    assert.equal(await heard(page), `GET ${PLACE}`)
    await page.goto(grades + '/x?y=1')
    assert.equal(page.url(), grades + '/x?y=1')
    assert.equal(await heard(page), 'GET /x?y=1')
    // It is one session: logging out here logs out there.
    await page.goto(grades + '/logout')
    await page.click('button >> nth=0')
    await page.waitForSelector('a[href="/login"]')
    await page.goto(wiki + PLACE)
    assert.equal(new URL(page.url()).origin, portal)
    await context.close()
  },

  async 'two tabs on two hosts do not break each other, nor does a wrong password or the other language' () {
    const { context, page: one } = await person(phone)
    const two = await context.newPage()
    await one.goto(wiki + '/one?a=1')
    await look(one, 'login at the portal')
    await two.goto(grades + '/two?b=2')
    await logIn(one, RIGHT[0], 'wrong')
    await one.waitForSelector('[role=alert]')
    await logIn(two, ...RIGHT)
    await two.waitForURL(grades + '/two?b=2')
    await one.click('a.lang')
    // The language is switched by opening the page anew, and by now somebody is logged in.
    await one.waitForURL(wiki + '/one?a=1')
    await context.close()
  },

  async 'the account is at the portal, and what was written on a host meets an ended login' () {
    const { context, page } = await person(phone)
    await page.goto(wiki + '/board')
    await logIn(page, ...RIGHT)
    await page.waitForURL(wiki + '/board')
    const tab = await context.newPage()
    await tab.goto(wiki + '/.auth/account')
    assert.equal(tab.url(), portal + '/.auth/account')
    await look(tab, 'account at the portal')
    await shot(tab, 'portal-account-phone')
    await tab.goto(portal + '/')
    await tab.waitForSelector('.cards li')
    await context.clearCookies()
    await page.fill('#text', 'an hour of work')
    await page.click('#send')
    await page.waitForSelector('.code:text("401")')
    const [login] = await Promise.all([context.waitForEvent('page'), page.click('a[target=_blank]')])
    await login.waitForSelector('#id')
    assert.equal(new URL(login.url()).origin, portal)
    await logIn(login, ...RIGHT)
    await login.waitForURL(wiki + '/.auth/logged-in')
    await page.reload()
    assert.equal(await heard(page), 'POST /board text=an+hour+of+work')
    await context.close()
  },

  async 'a browser that keeps no cookies is told so' () {
    const { context, page } = await withoutCookies()
    await page.goto(wiki + PLACE)
    await logIn(page, ...RIGHT)
    await page.waitForSelector('.code:text("400")')
    await look(page, 'cookies not kept at the portal')
    await context.close()
  }
})
