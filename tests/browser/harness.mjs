// What every story in a real browser needs: people at devices, a careful look at each page of ours, pictures, the telling.
// MUNJIGI_SHOTS=folder keeps pictures of the main pages. Nothing here sleeps.
import { strict as assert } from 'node:assert'
import { mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

const { source: axe } = createRequire(import.meta.url)('axe-core')
const shots = process.env.MUNJIGI_SHOTS
const launch = {
  executablePath: process.env.MUNJIGI_CHROMIUM || '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']
}
const looked = new Set()
const broken = []
let browser

export const phone = { viewport: { width: 360, height: 740 } }
export const wide = { viewport: { width: 1280, height: 860 } }

// A person at a device of their own.
export async function person (options = {}) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, locale: 'ko-KR', ...options })
  context.setDefaultTimeout(15000)
  context.on('page', page => page.on('console', message => {
    if (/Content.Security.Policy/i.test(message.text())) broken.push(`${page.url()}: ${message.text()}`)
  }))
  return { context, page: await context.newPage() }
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

export async function shot (page, name, most = 1400) {
  if (!shots) return
  mkdirSync(shots, { recursive: true })
  await page.evaluate(() => document.activeElement?.blur())
  const height = await page.evaluate(most => Math.min(document.documentElement.scrollHeight, most), most)
  await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true, clip: { x: 0, y: 0, width: page.viewportSize().width, height } })
}

// Tells every story, and ends the process with what came of them.
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
  }
  process.exit(failed || broken.length ? 1 : 0)
}
