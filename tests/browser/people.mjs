// People with accounts of their own: sign up, log in, another password, a one-time link, leave.
// Started by tests/gateway/browser.rs, with a one-time link of somebody called "forgetful" as the second argument.
import { strict as assert } from 'node:assert'
import { base, heard, language, logIn, look, person, phone, shot, tell } from './stage.mjs'

const reset = process.argv[3]
const PASSWORD = '바다로 가는 기차 열두시'
const ANOTHER = 'another long phrase 7'

async function signUp (page, id, password = PASSWORD) {
  await page.goto(base + '/.auth/signup')
  await page.fill('[name=id]', id)
  await page.fill('[name=name]', '김하나')
  await page.fill('[name=email]', 'hana@example.kr')
  await page.fill('[name=department]', '컴퓨터공학과')
  await page.fill('[name=new_password]', password)
  await page.fill('[name=new_password_again]', password)
  await page.press('[name=new_password_again]', 'Enter')
}

async function member (id) {
  const one = await person(phone)
  await signUp(one.page, id)
  await one.page.waitForSelector('a[href="/login"]')
  await one.page.goto(base + '/mine')
  await logIn(one.page, id, PASSWORD)
  await one.page.waitForURL(base + '/mine')
  return one
}

await tell({
  async 'sign up with the keyboard alone, without scripts, at 360 pixels, and log in' () {
    const { context, page } = await person({ ...phone, javaScriptEnabled: false })
    await page.goto(base + '/mine')
    await page.click('a[href^="/.auth/signup"]')
    await page.waitForSelector('[name=id]')
    // The cursor stands in the first field.
    for (const [nth, text] of ['duri', '김두리', 'duri@example.kr', '수학과', '', PASSWORD, PASSWORD].entries()) {
      if (nth) await page.keyboard.press('Tab')
      await page.keyboard.type(text)
    }
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.waitForSelector('a[href="/login?next=/mine"]')
    assert.match(await page.title(), /가입이 끝났습니다/)
    await page.click('a[href="/login?next=/mine"]')
    await page.waitForSelector('#id')
    await logIn(page, 'duri', PASSWORD)
    // Where the way began.
    await page.waitForURL(base + '/mine')
    await context.close()
  },

  async 'what is wrong stands beside its field, in both languages' () {
    const { context, page } = await person(phone)
    await page.goto(base + '/.auth/signup')
    await look(page, 'sign up')
    await shot(page, 'sign-up-phone')
    await page.click('a.lang')
    await page.waitForSelector('html[lang=en]')
    await look(page, 'sign up in English')
    await page.click('a.lang')
    await page.waitForSelector('html[lang=ko]')
    await signUp(page, 'hana', 'hana')
    await page.waitForSelector('[aria-invalid=true]')
    await look(page, 'sign up with a short password')
    assert.equal(await page.inputValue('[name=department]'), '컴퓨터공학과')
    assert.equal(await page.inputValue('[name=new_password]'), '')
    assert.equal(await page.evaluate(() => document.activeElement.name), 'new_password')
    await signUp(page, 'hana', 'password1')
    await page.waitForSelector('[aria-invalid=true]')
    await shot(page, 'sign-up-problem-phone')
    await signUp(page, 'hana')
    await page.waitForSelector('a[href="/login"]')
    await look(page, 'signed up')
    await signUp(page, 'hana', ANOTHER)
    await page.waitForSelector('[aria-invalid=true]')
    assert.match(await page.textContent('.problem'), /사용할 수 없는 아이디/)
    await context.close()
  },

  async 'another password ends the other devices, which are told why' () {
    const { context, page } = await member('sena')
    const other = await person()
    await other.page.goto(base + '/there')
    await logIn(other.page, 'sena', PASSWORD)
    await other.page.waitForURL(base + '/there')
    await page.goto(base + '/.auth/account')
    await look(page, 'account of our own')
    assert.match(await page.textContent('dl'), /컴퓨터공학과/)
    await page.click('a[href="/.auth/password"]')
    await page.waitForSelector('[name=password]')
    await look(page, 'change password')
    const fill = async (present, next, again) => {
      await page.fill('[name=password]', present)
      await page.fill('[name=new_password]', next)
      await page.fill('[name=new_password_again]', again)
      await page.press('[name=new_password_again]', 'Enter')
    }
    await fill('wrong', ANOTHER, ANOTHER)
    await page.waitForSelector('[name=password][aria-invalid=true]')
    await look(page, 'change password, the present one wrong')
    await fill(PASSWORD, ANOTHER, ANOTHER)
    await page.waitForSelector('a[href="/.auth/account"]')
    await look(page, 'password changed')
    await page.goto(base + '/mine')
    assert.equal(await heard(page), 'GET /mine')
    await other.page.reload()
    await other.page.waitForSelector('#why')
    assert.match(await other.page.textContent('#why'), /비밀번호가 바뀌어/)
    await look(other.page, 'login after a change of password')
    await logIn(other.page, 'sena', ANOTHER)
    await other.page.waitForSelector('main')
    await other.context.close()
    await context.close()
  },

  async 'a one-time link sets a password, once, and tells no other page of itself' () {
    const { context, page } = await person(phone)
    const referers = []
    page.on('request', request => referers.push(request.headers().referer))
    await page.goto(reset)
    await look(page, 'new password by a link')
    await shot(page, 'reset-phone')
    await page.click('a.lang')
    await page.waitForSelector('html[lang=en] [name=new_password]')
    assert.equal(await language(page), 'en')
    await page.fill('[name=new_password]', 'short')
    await page.fill('[name=new_password_again]', 'short')
    await page.press('[name=new_password_again]', 'Enter')
    await page.waitForSelector('[aria-invalid=true]')
    await look(page, 'new password by a link, too short')
    await page.fill('[name=new_password]', ANOTHER)
    await page.fill('[name=new_password_again]', ANOTHER)
    await page.press('[name=new_password_again]', 'Enter')
    await page.waitForSelector('a[href="/login"]')
    await look(page, 'new password set')
    await page.click('a[href="/login"]')
    await page.waitForSelector('#id')
    await logIn(page, 'forgetful', ANOTHER)
    await page.waitForSelector('a[href="/"]:has-text("Continue"), #heard')
    assert.ok(referers.every(referer => !referer?.includes('token')), JSON.stringify(referers))
    await page.goto(reset)
    await look(page, 'link used up')
    assert.equal(await page.locator('input').count(), 0)
    await context.close()
  },

  async 'who leaves is asked for the password, and is gone' () {
    const { context, page } = await member('leaver')
    await page.goto(base + '/.auth/account')
    await page.click('button[value=withdraw]')
    await page.waitForSelector('[name=password]')
    await look(page, 'leave?')
    await shot(page, 'leave-phone')
    await page.fill('[name=password]', 'wrong')
    await page.press('[name=password]', 'Enter')
    await page.waitForSelector('[aria-invalid=true]')
    await page.fill('[name=password]', PASSWORD)
    await page.press('[name=password]', 'Enter')
    await page.waitForSelector('a[href="/"]')
    await look(page, 'left')
    assert.deepEqual((await context.cookies()).map(cookie => cookie.name), [])
    await page.goto(base + '/mine')
    await logIn(page, 'leaver', PASSWORD)
    await page.waitForSelector('[role=alert]')
    await context.close()
  }
})
