// An administrator at work in a real browser. Started by tests/gateway/desk_browser.rs:
//
//   node desk.mjs https://127.0.0.1:PORT http://127.0.0.1:ADMIN
//
// The administrator is 60249999; among the members are hana and duri, who wait for approval, and students 60240000 to
// 60240039.
import { strict as assert } from 'node:assert'
import { look, person, phone, shot, tell, wide } from './stage.mjs'

const [, , gate, desk] = process.argv
const ADMIN = ['60249999', 'pw-60249999']
const GUEST = '바다로 가는 기차 열두시'

async function enter (options, place = '/.auth/admin') {
  const { context, page } = await person(options)
  await page.goto(desk + place)
  await page.fill('#id', ADMIN[0])
  await page.fill('#password', ADMIN[1])
  await page.press('#password', 'Enter')
  await page.waitForURL(desk + place)
  return { context, page }
}

// A login somewhere else, as a program does it.
async function logIn (context, id, password) {
  const provider = id.startsWith('6') ? 'mju' : 'guests'
  return (await context.request.post(gate + '/login', { data: { id, password, provider } })).status()
}

const at = id => `/.auth/admin/member?id=${encodeURIComponent(id)}`

tell({
  async 'in with the keyboard alone, without scripts, at 360 pixels, and an approval' () {
    const { context, page } = await person({ ...phone, javaScriptEnabled: false })
    await page.goto(desk + '/.auth/admin/members?awaiting=1')
    await page.focus('#id')
    await page.keyboard.type(ADMIN[0])
    await page.keyboard.press('Tab')
    await page.keyboard.type(ADMIN[1])
    await page.keyboard.press('Enter')
    await page.waitForURL(desk + '/.auth/admin/members?awaiting=1')
    assert.equal(await page.locator('tbody tr').count(), 2)
    assert.equal(await logIn(context, 'hana', GUEST), 401)
    await page.focus('a:has-text("hana@guests")')
    await page.keyboard.press('Enter')
    await page.waitForSelector('button[value=approve]')
    await page.focus('button[value=approve]')
    await page.keyboard.press('Enter')
    await page.waitForSelector('[role=status]')
    assert.match(await page.textContent('[role=status]'), /저장했습니다/)
    assert.equal(await page.locator('button[value=approve]').count(), 0)
    assert.equal(await logIn(context, 'hana', GUEST), 200)
    await context.close()
  },

  async 'the first Tab offers to skip the navigation' () {
    const { context, page } = await enter(wide)
    await page.keyboard.press('Tab')
    assert.equal(await page.evaluate(() => document.activeElement.className), 'skip')
    await page.keyboard.press('Enter')
    assert.equal(new URL(page.url()).hash, '#main')
    await context.close()
  },

  async 'members, forward and back, and found by a part of a name' () {
    for (const [size, name] of [[phone, 'phone'], [wide, 'desktop']]) {
      const { context, page } = await enter(size, '/.auth/admin/members')
      await look(page, `members on a ${name}`)
      await shot(page, `members-${name}`)
      await page.emulateMedia({ colorScheme: 'dark' })
      await look(page, `members in the dark on a ${name}`)
      await shot(page, `members-${name}-dark`)
      const first = await page.textContent('tbody th >> nth=0')
      await page.click('a[rel=next]')
      await page.click('a[rel=prev]')
      assert.equal(await page.textContent('tbody th >> nth=0'), first)
      await page.fill('#q', '명지')
      await page.press('#q', 'Enter')
      await page.waitForURL(/q=/)
      const found = await page.locator('tbody tr').count()
      assert.ok(found > 0 && found < 20, String(found))
      await page.fill('#q', 'nobody at all')
      await page.press('#q', 'Enter')
      await page.waitForSelector('p.note:has-text("찾으시는")')
      await look(page, `nobody found on a ${name}`)
      await context.close()
    }
  },

  async 'role and groups, disable and enable' () {
    const { context, page } = await enter(phone, at('mju:60240033'))
    await look(page, 'member')
    await shot(page, 'member-phone', 2600)
    await page.selectOption('#role', 'admin')
    await page.fill('#groups', 'staff, 교직원')
    await page.click('button[value=save]')
    await page.waitForSelector('[role=status]')
    await look(page, 'member saved')
    assert.equal(await page.inputValue('#role'), 'admin')
    assert.equal(await page.inputValue('#groups'), 'staff, 교직원')
    // Asked for again, the page does nothing again.
    await page.reload()
    assert.equal(await logIn(context, '60240033', 'pw-60240033'), 200)
    await page.reload()
    assert.equal(await page.locator('.cards li').count(), 1)
    await page.click('button[value=disable]')
    await page.waitForSelector('button[value=enable]')
    assert.equal(await page.locator('.cards li').count(), 0)
    await look(page, 'member disabled')
    assert.equal(await logIn(context, '60240033', 'pw-60240033'), 403)
    await page.click('button[value=enable]')
    await page.waitForSelector('button[value=disable]')
    assert.equal(await logIn(context, '60240033', 'pw-60240033'), 200)
    await context.close()
  },

  async 'one login is ended, then all' () {
    const { context, page } = await enter(phone, at('mju:60240034'))
    for (let n = 0; n < 3; n += 1) assert.equal(await logIn(context, '60240034', 'pw-60240034'), 200)
    await page.reload()
    await look(page, 'member with logins')
    await page.click('.cards button >> nth=0')
    await page.waitForSelector('[role=status]')
    assert.equal(await page.locator('.cards li').count(), 2)
    await page.click('button[value=end-sessions]')
    await page.waitForSelector('p:has-text("로그인한 기기가 없습니다")')
    await context.close()
  },

  async 'a link for a forgotten password, shown this once' () {
    const { context, page } = await enter(phone, at('guests:hana'))
    await page.click('button[value=reset]')
    await page.waitForSelector('.note code')
    const link = await page.textContent('.note code')
    await look(page, 'reset link')
    await shot(page, 'reset-link-phone')
    await page.goto(desk + at('guests:hana'))
    assert.equal(await page.locator('.note code').count(), 0)
    const token = new URL(link).searchParams.get('token')
    const used = await context.request.post(gate + '/.auth/api/reset', { data: { token, new_password: 'another long phrase 7' } })
    assert.equal(used.status(), 200)
    assert.equal(await logIn(context, 'hana', 'another long phrase 7'), 200)
    await context.close()
  },

  async 'removed and kept blocked, with the password and not without' () {
    const { context, page } = await enter(phone, at('mju:60240035'))
    assert.equal(await logIn(context, '60240035', 'pw-60240035'), 200)
    await page.check('input[name=keep_blocked]')
    await page.click('button[value=remove]')
    await page.waitForSelector('#f1')
    assert.match(await page.textContent('.lead'), /60240035/)
    await look(page, 'remove?')
    await shot(page, 'remove-phone')
    await page.fill('#f1', 'wrong')
    await page.press('#f1', 'Enter')
    await page.waitForSelector('[aria-invalid=true]')
    await look(page, 'remove? wrong password')
    await page.fill('#f1', ADMIN[1])
    await page.press('#f1', 'Enter')
    await page.waitForSelector('[role=status]:has-text("삭제했습니다")')
    assert.equal(await logIn(context, '60240035', 'pw-60240035'), 403)
    await page.goto(desk + at('mju:60240035'))
    await page.waitForSelector('.code:text("404")')
    await context.close()
  },

  async 'the trail, by kind, by person, and further back' () {
    for (const [size, name] of [[phone, 'phone'], [wide, 'desktop']]) {
      const { context, page } = await enter(size, '/.auth/admin/audit')
      await look(page, `audit on a ${name}`)
      await shot(page, `audit-${name}`)
      await page.click('a[rel=next]')
      await page.waitForURL(/before=/)
      await page.click('nav.paging a >> nth=0')
      await page.selectOption('#kind', 'person_changed')
      await page.click('form.search button')
      await page.waitForURL(/kind=person_changed/)
      const kinds = await page.locator('tbody th').allTextContents()
      assert.ok(kinds.length > 0 && kinds.every(kind => kind === '회원 변경'), kinds.join())
      await page.click('tbody td a >> nth=0')
      await page.waitForURL(/person=/)
      await look(page, `audit of one person on a ${name}`)
      await context.close()
    }
  },

  async 'the overview, its figures as a table, in both languages, light and dark' () {
    for (const [size, name] of [[phone, 'phone'], [wide, 'desktop']]) {
      const { context, page } = await enter(size)
      await look(page, `overview on a ${name}`)
      await shot(page, `overview-${name}`, 2400)
      assert.equal(await page.locator('figure > svg[role=img][aria-label]').count(), 3)
      await page.focus('summary')
      await page.keyboard.press('Enter')
      assert.equal(await page.locator('details[open] tbody tr').count(), 24)
      await look(page, `overview as a table on a ${name}`)
      await page.emulateMedia({ colorScheme: 'dark' })
      await look(page, `overview in the dark on a ${name}`)
      await page.reload()
      await shot(page, `overview-${name}-dark`, 2400)
      await page.click('footer a')
      await page.waitForSelector('html[lang=en]')
      await look(page, `overview in English on a ${name}`)
      await page.emulateMedia({ colorScheme: 'light' })
      await shot(page, `overview-${name}-en`, 2400)
      // It stays English.
      await page.goto(desk + '/.auth/admin/members')
      assert.equal(await page.getAttribute('html', 'lang'), 'en')
      await look(page, `members in English on a ${name}`)
      await shot(page, `members-${name}-en`)
      await page.goto(desk + at('guests:duri'))
      await look(page, `member in English on a ${name}`)
      await shot(page, `member-${name}-en`, 2600)
      await context.close()
    }
  },

  async 'another page of this machine finds no way in, and logging out ends it' () {
    const { context, page } = await enter(phone)
    const names = (await context.cookies()).map(cookie => [cookie.name, cookie.httpOnly, cookie.sameSite, cookie.path].join())
    assert.deepEqual(names.sort(), ['munjigi_desk_access,true,Strict,/.auth/admin', 'munjigi_desk_refresh,true,Strict,/.auth/admin'])
    const stranger = await context.newPage()
    await stranger.route('http://stranger.test/', route => route.fulfill({
      contentType: 'text/html',
      body: `<form method="post" action="${desk}${at('mju:60240036')}"><input name="do" value="disable"><button>win</button></form>`
    }))
    await stranger.goto('http://stranger.test/')
    await stranger.click('button')
    await stranger.waitForLoadState()
    assert.equal(await logIn(context, '60240036', 'pw-60240036'), 200)
    await page.click('header form.who button')
    await page.waitForSelector('a[href="/.auth/admin/login"]')
    await look(page, 'logged out of the desk')
    assert.deepEqual(await context.cookies(desk), [])
    await page.goto(desk + '/.auth/admin')
    await page.waitForSelector('#id')
    await context.close()
  }
})
