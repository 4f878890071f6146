// A reader with a real browser: browse -> basket -> register -> pay -> delivery -> download.
// First through the bare services, then through the mesh; SHOP_URL names a shop that is open already. SCREENSHOT_DIR keeps a picture of
// each page.
import assert from 'node:assert/strict'
import { createHash, randomUUID } from 'node:crypto'
import { createReadStream, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { chromium, type Browser, type Page } from 'playwright-core'
import { startPlainShop } from '../../examples/bookstore/plain-shop.ts'
import { lockMachine, startMesh } from './mesh-under-test.ts'

const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
const skip = existsSync(executablePath) ? false : `no browser at ${executablePath}; CHROMIUM names another`
const screenshotDir = process.env['SCREENSHOT_DIR']

interface OpenShop {
  readonly shopUrl: string
  close(): Promise<void>
}

let page: Page
let shopUrl: string

async function openPlain(): Promise<OpenShop> {
  const dataDir = mkdtempSync(join(tmpdir(), 'bookstore-walk-'))
  const shop = await startPlainShop({ dataDir, env: { CATALOG_VERSION: 'v2' } })
  const close = async (): Promise<void> => {
    await shop.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
  return { shopUrl: shop.shopUrl, close }
}

async function openMesh(): Promise<OpenShop> {
  const unlock = await lockMachine()
  try {
    const mesh = await startMesh()
    const close = async (): Promise<void> => {
      await mesh.stop()
      await unlock()
    }
    return { shopUrl: mesh.context.shopUrl, close }
  } catch (error) {
    await unlock()
    throw error
  }
}

const given = process.env['SHOP_URL']
if (given !== undefined)
  walk('a shop that is open already', async () => ({ shopUrl: given, close: async () => undefined }))
else {
  walk('the bare services', openPlain)
  walk('the mesh', openMesh)
}

function walk(through: string, openShop: () => Promise<OpenShop>): void {
  describe(`a reader with Chromium, through ${through}`, { skip }, () => {
    const name = `reader-${randomUUID().slice(0, 8)}`
    const problems: string[] = []
    let shop: OpenShop | undefined
    let browser: Browser | undefined
    before(async () => {
      shop = await openShop()
      shopUrl = shop.shopUrl
      // No proxy of the environment may come between the browser and the shop.
      const args = ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-proxy-server']
      browser = await chromium.launch({ executablePath, args })
      page = await browser.newPage({ viewport: { width: 1200, height: 900 }, acceptDownloads: true })
      page.setDefaultTimeout(15_000)
      page.on('console', (message) => message.type() === 'error' && problems.push(message.text()))
      // A link that becomes a download ends the navigation it began as; the download itself is judged by its checksum.
      page.on('requestfailed', (request) => {
        if (!request.url().includes('/editions/')) problems.push(`${request.url()} ${request.failure()?.errorText}`)
      })
    })
    after(async () => {
      await browser?.close()
      await shop?.close()
    })

    test('browses the shelves, looks for a word and opens a book', async () => {
      await page.goto(`${shopUrl}/`)
      assert.equal(await page.locator('.card').count(), 12)
      await picture('home')
      await page.getByRole('searchbox').fill('marlowe')
      await page.keyboard.press('Enter')
      await page.locator('.card').click()
      await page.getByRole('heading', { name: 'The Lighthouse Ledger' }).waitFor()
      await picture('book')
    })

    test('puts it into the basket with another one, and changes the number of copies', async () => {
      await page.getByRole('button', { name: 'Add to basket' }).click()
      await page.goto(`${shopUrl}/books/9781950000067`)
      await page.getByRole('button', { name: 'Add to basket' }).click()
      await page.getByLabel('Copies').first().fill('2')
      await page.getByRole('button', { name: 'Change' }).first().click()
      await page.locator('.count', { hasText: '3' }).waitFor()
      await page.getByText('€61.70').waitFor()
      await picture('basket')
    })

    test('registers on the way to the checkout', async () => {
      await page.getByRole('link', { name: 'Check out' }).click()
      await page.getByRole('link', { name: 'Register' }).last().click()
      await page.getByLabel('Name').fill(name)
      await page.getByLabel('Password').fill('a good secret')
      await picture('register')
      await page.getByRole('button', { name: 'Register' }).click()
      await page.getByRole('heading', { name: 'Checkout' }).waitFor()
    })

    test('is told that a card was declined, and pays with another', async () => {
      await page.getByLabel('Recipient').fill('Ada Reader')
      await page.getByLabel('Street').fill('1 Quay Street')
      await page.getByLabel('Postcode').fill('GY1 2LL')
      await page.getByLabel('Town').fill('Saint Peter')
      await pay('4000 0000 0000 0002')
      await page.getByRole('alert').filter({ hasText: 'declined' }).waitFor()
      await picture('checkout')
      // The refused order answers 402, which the browser notes as an error of the page.
      problems.splice(0)
      await pay('4242 4242 4242 4242')
      await page.getByRole('heading', { name: /Thank you|Delivered/ }).waitFor()
    })

    test('sees the parcel being delivered without doing anything', async () => {
      await page.locator('.progress[data-stage="delivered"]').waitFor({ timeout: 40_000 })
      await picture('order')
    })

    test('downloads the electronic edition, whole and right', async () => {
      const waiting = page.waitForEvent('download')
      await page.locator('.download').first().click()
      const download = await waiting
      const path = await download.path()
      const { bytes, sha256 } = await digest(path)
      const orderUrl = new URL(page.url()).pathname
      assert.equal(download.suggestedFilename(), '9781950000012.txt')
      assert.ok(bytes > 3_000_000, `${bytes} bytes`)
      assert.equal(sha256, await announcedChecksum(`${orderUrl}/editions/9781950000012`))
    })

    test('finds the order again, keeps a favourite, and logs out', async () => {
      await page.getByRole('link', { name: 'My orders' }).first().click()
      assert.equal(await page.locator('.orders li').count(), 1)
      await picture('orders')
      await page.goto(`${shopUrl}/books/9781950000111`)
      await page.getByRole('button', { name: /Keep as favourite/ }).click()
      await page.getByRole('button', { name: /A favourite/ }).waitFor()
      await page.getByRole('link', { name: 'Favourites' }).click()
      assert.equal(await page.locator('.card').count(), 1)
      await page.getByRole('button', { name: 'Log out' }).click()
      await page.getByRole('link', { name: 'Log in' }).waitFor()
      await page.goto(`${shopUrl}/nowhere`)
      await page.getByText('There is nothing on this shelf').waitFor()
      await picture('error')
    })

    test('met no broken request on the way', () => {
      assert.deepEqual(
        problems.filter((problem) => !problem.includes('404')),
        [],
      )
    })
  })
}

async function pay(number: string): Promise<void> {
  await page.getByLabel('Number', { exact: true }).fill(number)
  await page.getByLabel('Good until').fill('12/39')
  await page.getByRole('button', { name: 'Pay and order' }).click()
}

async function picture(of: string): Promise<void> {
  if (screenshotDir !== undefined) await page.screenshot({ path: join(screenshotDir, `${of}.png`), fullPage: true })
}

// Asked for outside the page, with the page's cookies.
async function announcedChecksum(path: string): Promise<string | undefined> {
  const response = await page.context().request.get(`${shopUrl}${path}`)
  return response.headers()['x-content-sha256']
}

async function digest(path: string): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of createReadStream(path)) {
    hash.update(chunk as Buffer)
    bytes += (chunk as Buffer).length
  }
  return { bytes, sha256: hash.digest('hex') }
}
