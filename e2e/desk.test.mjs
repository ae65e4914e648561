// A notice from its draft to the last receipt: published to a unit, told in real time, read and receipted, counted, withdrawn; and
// the workbench that shows it, arranged with the keyboard.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, it } from 'node:test'
import { openBrowser, phone } from './lib/browser.mjs'
import { openOffice } from './lib/office.mjs'
import { startServer } from './lib/server.mjs'
import { whole } from './lib/whole.mjs'

const refused = [/status of 4\d\d/]
const title = '关于做好冬季低温雨雪冰冻天气防范应对工作的通知'
const body = `各科室、各街道：

据气象部门预报，**12月10日至12日**我区将出现低温雨雪天气。现将有关事项通知如下：

## 一、加强值班值守

1. 严格执行领导带班和24小时专人值班制度；
2. 遇有突发情况，第一时间报区应急管理局。

## 二、保障困难群众温暖过冬

- 对独居老人、低保家庭逐户走访；
- 救助站24小时开放，接收临时遇困人员。

| 联系单位 | 电话 |
|---|---|
| 区政府总值班室 | 027-87678100 |

详见[区政府网站](https://www.hongshan.gov.cn/)。<script>alert(1)</script>`

let server, office
before(async () => {
  server = await startServer()
  office = await openOffice(server, {
    units: {
      district: { name: '洪山区', kind: 'district' },
      office: { name: '区政府办公室', kind: 'department', above: 'district' },
      civil: { name: '区民政局', kind: 'department', above: 'district' },
      aid: { name: '社会救助科', kind: 'section', above: 'civil' },
      elder: { name: '养老服务科', kind: 'section', above: 'civil' },
      water: { name: '区水务和湖泊局', kind: 'department', above: 'district' },
    },
    people: {
      publisher: { name: '周文', unit: 'office', title: '信息科科长', account: 'office.info', password: 'Lake-Silk-33-Moon', perms: [['desk.publish', 'all'], ['library.read', 'all'], ['library.load', 'unit'], ['lookup.find', 'unit']] },
      reader: { name: '李慧', unit: 'aid', title: '科员', account: 'civil.reader', password: 'Lake-Silk-34-Moon', perms: [['lookup.find', 'unit'], ['library.read', 'unit'], ['library.load', 'unit'], ['lookup.ledger', 'unit']] },
      colleague: { name: '王秀兰', unit: 'elder', title: '科员', account: 'civil.elder', password: 'Lake-Silk-35-Moon' },
      stranger: { name: '赵治水', unit: 'water', title: '科员', account: 'water.staff', password: 'Lake-Silk-36-Moon' },
    },
  })
  const { client } = office.people.publisher
  await client.post('/api/desk/notices', { title: '区机关食堂12月份菜单', body: '见食堂公示栏。', all: true })
  await client.post('/api/desk/notices', { title: '关于2023年度数据资源目录更新的通知', body: '请各单位于月底前完成。', all: true, must: true, pinnedUntil: new Date(Date.now() + 5 * 86_400_000) })
  await client.post('/api/desk/notices', { title: '政务办公网核心交换机维护公告', body: '本周六22:00至24:00。', all: true })
})
after(() => server?.stop())

async function at(who, options = {}) {
  const b = await openBrowser(server.url, { expected: refused, ...options })
  await office.people[who].client.lend(b.context)
  return b
}

it('publishes to a unit, is told at once, receipted, counted and withdrawn', async () => {
  const b = await at('publisher')
  const { page } = b
  const reader = await at('reader')
  await reader.go('/notify')
  await reader.gate('notify-before')

  await b.go('/desk/notices/new')
  await page.getByLabel('标题').fill(title)
  await page.getByLabel('正文').fill(body)
  await page.getByRole('radio', { name: '选择单位' }).check()
  await page.getByRole('checkbox', { name: /区民政局/ }).check()
  await page.getByRole('button', { name: '展开区民政局' }).click()
  assert.ok(await page.getByRole('checkbox', { name: /社会救助科/ }).isDisabled(), 'what is below a chosen unit is chosen with it')
  await page.getByRole('checkbox', { name: /须签收/ }).check()
  await page.getByRole('button', { name: '7 天' }).click()
  await whole(b, 'desk-write')
  await page.getByRole('button', { name: '预览' }).click()
  await page.getByRole('heading', { name: '一、加强值班值守' }).waitFor()
  await page.getByRole('button', { name: '发布', exact: true }).click()
  await page.getByRole('dialog').getByText('将发给区民政局，每个人都要签收。').waitFor()
  await page.getByRole('dialog').getByRole('button', { name: '发布' }).click()
  await page.getByRole('heading', { level: 1, name: title }).waitFor()

  await reader.page.getByRole('link', { name: new RegExp(title) }).waitFor() // without reloading
  await reader.gate('notify')
  await reader.page.getByRole('link', { name: new RegExp(title) }).click()
  await reader.page.getByRole('heading', { name: '二、保障困难群众温暖过冬' }).waitFor()
  assert.equal(await reader.page.locator('script', { hasText: 'alert(1)' }).count(), 0)
  await whole(reader, 'desk-read')
  await reader.go('/desk')
  await reader.page.locator('.urgent strong', { hasText: '2' }).waitFor()
  await reader.gate('desk-light')
  await reader.page.getByRole('link', { name: title }).click()
  await reader.page.getByRole('button', { name: '已阅' }).click()
  await reader.page.getByText('你已确认阅读').waitFor()

  await page.getByRole('link', { name: '签收情况' }).click()
  await page.getByText('/ 2').first().waitFor()
  await b.gate('desk-receipts')
  await page.getByRole('button', { name: /未完成 1 人/ }).click()
  await page.getByRole('dialog').getByText('王秀兰').waitFor()
  await b.gate('desk-receipts-names')
  await page.keyboard.press('Escape')
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: /导出名单/ }).click()])
  const names = readFileSync(await download.path(), 'utf8')
  assert.match(names, /社会救助科,李慧,已阅/)
  assert.match(names, /养老服务科,王秀兰,未读/)

  await page.goBack()
  await page.getByRole('button', { name: '撤回' }).click()
  await page.getByLabel('撤回原因').fill('预报有变，另行通知')
  await page.getByRole('dialog').getByRole('button', { name: '撤回' }).click()
  await page.getByText(/周文于 .* 撤回，原因：预报有变，另行通知/).waitFor()
  await b.close()
  await reader.go('/desk/notices')
  await reader.page.getByText('区机关食堂12月份菜单').waitFor()
  assert.equal(await reader.page.getByText(title).count(), 0)
  await reader.close()
})

it('arranges the workbench with the keyboard alone', async () => {
  const b = await at('reader')
  const { page } = b
  await b.go('/desk')
  await page.getByRole('button', { name: '调整' }).focus()
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: /^固定\s*数据查询/ }).press('Enter')
  await page.getByRole('button', { name: /^固定\s*数据归集/ }).press('Enter')
  await page.getByRole('button', { name: '前移“数据归集”' }).press('Enter')
  await page.getByRole('status').filter({ hasText: '“数据归集”现在排第 1，共 2 个' }).waitFor()
  await b.gate('desk-arrange')
  await page.waitForLoadState('networkidle')
  await b.go('/desk')
  const first = page.locator('.apps ul').first().getByRole('link')
  assert.deepEqual(await first.allInnerTexts(), ['数据归集', '数据查询'])
  await b.close()
})

it('tells somebody else nothing of it, and lists by state', async () => {
  const b = await at('stranger')
  await b.go('/desk/notices')
  assert.equal(await b.page.getByText(title).count(), 0)
  await b.gate('desk-notices')
  await b.page.getByRole('button', { name: '待签收' }).click()
  await b.page.getByText('区机关食堂12月份菜单').waitFor({ state: 'detached' })
  assert.match(b.page.url(), /state=must/)
  await b.close()
})

for (const theme of ['light', 'care']) {
  it(`fits a phone in the ${theme} theme`, async () => {
    const b = await at('reader', { viewport: phone, theme })
    await b.go('/desk')
    await whole(b, `desk-phone-${theme}`)
    await b.go('/desk/notices')
    await whole(b, `desk-notices-phone-${theme}`)
    await b.page.getByRole('link', { name: '关于2023年度数据资源目录更新的通知' }).click()
    await b.page.getByRole('button', { name: '已阅' }).waitFor()
    await whole(b, `desk-read-phone-${theme}`)
    await b.go('/notify')
    await whole(b, `notify-phone-${theme}`)
    await b.close()
  })
}

it('reads well in the care theme and in English', async () => {
  const care = await at('reader', { theme: 'care' })
  await care.go('/desk')
  await whole(care, 'desk-care')
  await care.close()
  const english = await at('publisher', { lang: 'en-GB' })
  await english.go('/desk')
  await english.gate('desk-en')
  await english.close()
})
