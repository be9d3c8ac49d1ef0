// What every set of stories needs: a browser, people with devices of their own, and the eyes of a careful visitor.
//
//   node road.mjs https://127.0.0.1:PORT           MUNJIGI_SHOTS=folder keeps pictures of the main pages
//
// Every page of the gateway that is met is looked at with axe, measured, and may break no policy. Nothing here sleeps.
import { strict as assert } from 'node:assert'
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

const { source: axe } = createRequire(import.meta.url)('axe-core')
export const base = process.argv[2]
const profile = mkdtempSync(join(tmpdir(), 'munjigi-browser-'))
const launch = {
  executablePath: process.env.MUNJIGI_CHROMIUM || '/usr/bin/chromium',
  // Names under .example are hosts of the gateway's own machine.
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--host-resolver-rules=MAP *.example 127.0.0.1']
}
export const phone = { viewport: { width: 360, height: 740 } }
export const wide = { viewport: { width: 1280, height: 860 } }
// Policies that were broken, as the browser tells them.
export const broken = []
const shots = process.env.MUNJIGI_SHOTS
const looked = new Set()
let browser

// A person at a device of their own.
export async function person (options = {}) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, locale: 'ko-KR', ...options })
  await watch(context)
  return { context, page: await context.newPage() }
}

// Somebody whose browser keeps no cookies.
export async function withoutCookies () {
  const folder = join(profile, 'no-cookies')
  mkdirSync(join(folder, 'Default'), { recursive: true })
  writeFileSync(join(folder, 'Default', 'Preferences'), JSON.stringify({ profile: { default_content_setting_values: { cookies: 2 } } }))
  const context = await chromium.launchPersistentContext(folder, { ...launch, ...phone, ignoreHTTPSErrors: true, locale: 'ko-KR' })
  await watch(context)
  return { context, page: await context.newPage() }
}

async function watch (context) {
  context.setDefaultTimeout(15000)
  context.on('page', page => page.on('console', message => {
    if (/Content.Security.Policy/i.test(message.text())) broken.push(`${page.url()}: ${message.text()}`)
  }))
}

// What a careful visitor would notice about a page of ours.
export async function look (page, name) {
  looked.add(name)
  await page.evaluate(axe)
  const found = await page.evaluate(() => window.axe.run({ resultTypes: ['violations'] }))
  const told = found.violations.map(rule => `${rule.id}: ${rule.nodes.map(node => node.html).slice(0, 2).join(' | ')}`)
  assert.deepEqual(told, [], `axe on ${name}`)
  const size = await page.evaluate(() => ({ wide: document.documentElement.scrollWidth - innerWidth, bytes: new Blob([document.documentElement.outerHTML]).size }))
  assert.ok(size.wide <= 0, `${name} scrolls sideways by ${size.wide}`)
  assert.ok(size.bytes < 20000, `${name} has ${size.bytes} bytes`)
}

export async function shot (page, name, most = 980) {
  if (!shots) return
  mkdirSync(shots, { recursive: true })
  await page.evaluate(() => document.activeElement?.blur())
  const height = await page.evaluate(most => Math.min(document.documentElement.scrollHeight, most), most)
  await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true, clip: { x: 0, y: 0, width: page.viewportSize().width, height } })
}

export async function logIn (page, id, password) {
  await page.fill('#id', id)
  await page.fill('#password', password)
  await page.press('#password', 'Enter')
}

export const language = page => page.getAttribute('html', 'lang')
export const heard = page => page.textContent('#heard')
export const RIGHT = ['rightid', 'rightPasswd']

// Tells the stories one after another, and ends the process: well if all of them ended well.
export async function tell (stories) {
  let failed = 0
  try {
    browser = await chromium.launch(launch)
    for (const [name, story] of Object.entries(stories)) {
      const began = Date.now()
      try {
        await story()
        console.log(`ok      ${name} (${Date.now() - began} ms)`)
      } catch (error) {
        failed += 1
        console.log(`FAILED  ${name}\n${error.stack}`)
      }
    }
    console.log(`looked at: ${[...looked].join(', ')}`)
    if (broken.length) console.log(`FAILED  the policy was broken:\n${broken.join('\n')}`)
  } finally {
    await browser?.close()
    rmSync(profile, { recursive: true, force: true })
  }
  process.exit(failed || broken.length ? 1 : 0)
}
