// A cataloguer drafts an entry, its department and the bureau review it, it is published, and the data centre binds the data to it; others find it,
// compare it and see how versions differ. A database is drafted in one command, a demand is met.
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { openBrowser, phone } from './lib/browser.mjs'
import { makeDataset } from './lib/data.mjs'
import { openOffice } from './lib/office.mjs'
import { startServer } from './lib/server.mjs'
import { whole } from './lib/whole.mjs'

const refused = [/status of 4\d\d/]
let server, office, first

const entry = (name, more = {}) => ({
  class: '3', item: '01', subject: '001', detail: '420111', name, unit: office.units.labour, summary: '全区用人单位办理就业登记形成的基本情况，按月更新。', format: 'database', sub: 'warehouse', keywords: ['就业', '登记'],
  share: 'unconditional', mode: 'table', cycle: 'monthly', contact: '信息科', phone: '027-87670001',
  items: [
    { name: '登记号', type: 'C', length: 20, key: true, level: 'L1' },
    { name: '行业', type: 'C', length: 40, level: 'L1' },
    { name: '从业人数', type: 'I', level: 'L1' },
  ],
  ...more,
})

async function submitTask(who, caseId, outcome, data) {
  const { client } = office.people[who]
  const found = await client.get(`/api/flow/cases/${caseId}`)
  await client.post(`/api/flow/cases/${caseId}/deeds`, { task: found.mine[0].id, verb: 'submit', outcome, data })
}

async function publish(body) {
  const { client } = office.people.editor
  let made = await client.post('/api/catalog/entries', body)
  made = await client.post(`/api/catalog/entries/${made.id}/submit`, { version: made.version })
  await submitTask('reviewer', made.case, 'agree')
  await submitTask('bureau', made.case, 'agree')
  await submitTask('bureau', made.case, 'publish')
  return client.get(`/api/catalog/entries/${made.id}`)
}

before(async () => {
  server = await startServer()
  office = await openOffice(server, {
    units: {
      district: { name: '洪山区', kind: 'district' },
      bureau: { name: '区行政审批局', kind: 'department', above: 'district', code: '11420111MB0000115D' },
      centre: { name: '区大数据中心', kind: 'institution', above: 'district', code: '11420111MB00001238' },
      labour: { name: '区人力资源和社会保障局', kind: 'department', above: 'district', code: '11420111MB00001313' },
      civil: { name: '区民政局', kind: 'department', above: 'district', code: '11420111MB000014XT' },
    },
    people: {
      editor: { name: '陈编目', unit: 'labour', title: '编目员', account: 'labour.editor', password: 'Lake-Silk-33-Moon', roles: ['catalog_editor'], perms: [['library.read', 'unit'], ['library.load', 'unit']] },
      reviewer: { name: '李审核', unit: 'labour', title: '信息科长', account: 'labour.head', password: 'Lake-Silk-34-Moon', roles: ['catalog_reviewer'] },
      bureau: { name: '王主管', unit: 'bureau', title: '目录专员', account: 'bureau.cat', password: 'Lake-Silk-35-Moon', roles: ['catalog_bureau'] },
      centre: { name: '赵挂接', unit: 'centre', title: '工程师', account: 'centre.mount', password: 'Lake-Silk-36-Moon', roles: ['catalog_centre'] },
      reader: { name: '周民政', unit: 'civil', title: '科员', account: 'civil.reader', password: 'Lake-Silk-37-Moon' },
    },
  })
  const rows = ['登记号,行业,从业人数', 'A001,制造业,120', 'A002,教育,45', 'A003,批发零售,18']
  const { client } = office.people.editor
  first = await makeDataset(client, { file: '就业登记.csv', bytes: new TextEncoder().encode(rows.join('\r\n')), choice: { name: 'employment', title: '就业登记表', summary: '人社系统归集' }, correct: (columns) => columns.forEach((column) => (column.level = 'L1')) })
  for (const name of ['失业登记', '技能培训', '劳动仲裁']) await makeDataset(client, { file: `${name}.csv`, bytes: new TextEncoder().encode('编号,街道,件数\r\n1,狮子山街道,3\r\n2,关山街道,5'), choice: { name: `t${['失业登记', '技能培训', '劳动仲裁'].indexOf(name)}`, title: `${name}表`, summary: '业务系统归集' } })
})
after(() => server?.stop())

async function at(who, options = {}) {
  const b = await openBrowser(server.url, { expected: refused, ...options })
  await office.people[who].client.lend(b.context)
  return b
}

it('drafts an entry, says what it lacks, and hands it in', async () => {
  const b = await at('editor')
  const { page } = b
  await b.go('/catalog')
  await page.getByText('目录里还没有已发布的资源').waitFor()
  await b.gate('catalog-empty')
  await page.getByRole('link', { name: '新编目录' }).click()
  await page.getByLabel('信息资源名称').fill('洪山区就业登记信息')
  await page.getByLabel('信息资源摘要').fill('全区用人单位办理就业登记形成的基本情况')
  await page.getByRole('button', { name: '添加信息项' }).click()
  await page.locator('.items li').first().getByRole('textbox').first().fill('登记号')
  await page.locator('.items li').first().getByLabel('敏感类型').selectOption('id')
  await page.getByRole('button', { name: '保存草稿' }).click()
  await page.getByText(/至少定为 L3/).first().waitFor()
  await whole(b, 'catalog-edit-lacks')
  await page.locator('.items li').first().getByLabel('敏感类型').selectOption('')
  await page.getByRole('button', { name: '提交审核' }).click()
  await page.getByText('待部门审核').first().waitFor()
  await page.getByText('301001/000001').first().waitFor()
  await b.gate('catalog-submitted')
  await b.close()
})

it('goes through both reviews in the browser', async () => {
  for (const [who, verb] of [['reviewer', '同意'], ['bureau', '同意'], ['bureau', '发布']]) {
    const b = await at(who)
    await b.go('/flow')
    await b.page.getByRole('link', { name: /洪山区就业登记信息/ }).first().click()
    await b.page.getByRole('button', { name: verb, exact: true }).first().click()
    if (who === 'reviewer') await b.gate('catalog-review')
    await b.page.getByRole('dialog').getByRole('button', { name: verb, exact: true }).click()
    await b.page.getByRole('dialog').waitFor({ state: 'detached' })
    await b.close()
  }
})

it('shows the catalogue with its figures, facets, cards and a comparison', async () => {
  const made = await publish(entry('洪山区单位用工信息'))
  await publish(entry('洪山区工伤认定信息', { share: 'refused', basis: '《中华人民共和国个人信息保护法》第二十八条', level: 'L4', items: [{ name: '伤情', field: 'x', type: 'C', length: 200, level: 'L4' }] }))
  await office.people.centre.client.post(`/api/catalog/entries/${made.id}/mounts`, { kind: 'table', dataset: first })
  const b = await at('reader')
  const { page } = b
  await b.go('/catalog')
  await page.getByText('共 3 条').waitFor()
  await b.gate('catalog-list')
  await page.getByRole('button', { name: /不予共享/ }).click()
  await page.getByText('共 1 条').waitFor()
  await b.gate('catalog-narrowed')
  await page.getByRole('button', { name: '清除筛选' }).first().click()
  await page.getByText('共 3 条').waitFor()
  await page.getByLabel(/加入比较.*洪山区单位用工信息/).check()
  await page.getByLabel(/加入比较.*洪山区工伤认定信息/).check()
  await page.getByRole('button', { name: '比较 2 条' }).click()
  await page.getByRole('dialog').getByText('伤情').waitFor()
  await b.gate('catalog-compare')
  await page.keyboard.press('Escape')
  await page.getByRole('link', { name: '洪山区单位用工信息' }).click()
  await page.getByRole('button', { name: '元数据' }).waitFor()
  await b.gate('catalog-entry')
  await page.getByRole('button', { name: '元数据' }).click()
  await b.gate('catalog-entry-elements')
  await page.getByRole('button', { name: '订阅变更' }).click()
  await page.getByRole('button', { name: '取消订阅' }).waitFor()
  await page.keyboard.press('Control+K')
  await page.getByRole('combobox').fill('工伤认定')
  await page.getByRole('option', { name: /洪山区工伤认定信息/ }).waitFor()
  await b.gate('catalog-found')
  await b.close()
})

it('changes what is published while it serves, and shows how the versions differ', async () => {
  const { items } = await office.people.editor.client.get('/api/catalog/entries?text=' + encodeURIComponent('单位用工'))
  const b = await at('editor')
  const { page } = b
  await b.go(`/catalog/entries/${items[0].id}`)
  await page.getByRole('button', { name: '发起变更' }).click()
  await page.getByRole('dialog').getByLabel('原因').fill('收紧共享范围')
  await page.getByRole('dialog').getByRole('button', { name: '发起变更' }).click()
  await page.getByLabel('共享类型').first().selectOption('conditional')
  await page.getByLabel('共享条件').fill('限社会保险经办使用')
  await page.getByRole('button', { name: '保存草稿' }).click()
  await page.getByText('已保存').first().waitFor()
  await b.go(`/catalog/entries/${items[0].id}?tab=versions`)
  await page.getByText('新版本比旧版本收窄').waitFor()
  await b.gate('catalog-diff')
  await b.go(`/catalog/entries/${items[0].id}?tab=mounts`)
  await page.getByText('就业登记表').waitFor()
  await b.gate('catalog-mounts')
  await b.close()
})

it('drafts a whole database in one command', async () => {
  const b = await at('editor')
  const { page } = b
  await b.go('/catalog/mine')
  await page.getByRole('button', { name: '从数据资源起草' }).click()
  await b.gate('catalog-drafts')
  await page.getByRole('button', { name: '开始起草' }).click()
  await page.getByText(/起草完成：新建 3 条/).waitFor()
  await b.gate('catalog-drafts-done')
  await page.getByRole('dialog').getByRole('button', { name: '关闭' }).last().click()
  await page.getByRole('link', { name: '失业登记表' }).waitFor()
  await b.gate('catalog-mine')
  await page.getByRole('button', { name: '全选本页草稿' }).click()
  await page.getByRole('button', { name: /^提交审核/ }).click()
  await page.getByText(/条还不能提交|已提交/).first().waitFor()
  await b.gate('catalog-mine-handed')
  await page.getByRole('button', { name: '从 Excel 导入' }).click()
  await b.gate('catalog-import')
  await b.close()
})

it('takes up what an application answers live, catalogues and mounts it', async () => {
  const b = await at('editor')
  const { page } = b
  await b.go('/library/datasets')
  await page.getByRole('button', { name: '启用实时数据' }).click()
  await page.getByRole('heading', { name: '单位机构目录' }).waitFor()
  await whole(b, 'catalog-live')
  await page.getByRole('button', { name: /启用…\s*单位机构目录/ }).click()
  await page.getByRole('dialog').getByRole('button', { name: '启用', exact: true }).click()
  await page.getByText('数据由应用随时给出').waitFor()
  await whole(b, 'catalog-live-dataset')
  await b.go('/catalog/mine')
  await page.getByRole('button', { name: '从数据资源起草' }).click()
  await page.getByRole('button', { name: '开始起草' }).click()
  await page.getByText(/起草完成：新建 1 条/).waitFor()
  const { client } = office.people.editor
  const [drafted] = (await client.get('/api/catalog/entries?view=work&text=' + encodeURIComponent('单位机构目录'))).items
  const sent = await client.post(`/api/catalog/entries/${drafted.id}/submit`, { version: drafted.version })
  for (const [who, outcome] of [['reviewer', 'agree'], ['bureau', 'agree'], ['bureau', 'publish']]) await submitTask(who, sent.case, outcome)
  await office.people.centre.client.post('/api/catalog/mount-ready')
  await b.go(`/catalog/entries/${drafted.id}?tab=mounts`)
  await page.getByText('已挂接').first().waitFor()
  await whole(b, 'catalog-live-entry')
  await b.go('/library/datasets')
  await page.getByText('实时').first().waitFor()
  await b.gate('catalog-live-datasets')
  await b.close()
})

it('meets a demand, and reports how far each unit is', async () => {
  const made = await office.people.reader.client.post('/api/catalog/demands', { title: '需要就业登记信息用于救助核对', purpose: '核定低保待遇', basis: '《社会救助暂行办法》第五十八条', wanted: '登记号、行业、从业人数' })
  const b = await at('bureau')
  await b.go(`/catalog/demands/${made.id}`)
  await b.page.getByRole('combobox', { name: '责任部门' }).fill('人力')
  await b.page.getByRole('option').first().click()
  await b.gate('catalog-demand')
  await b.page.getByRole('button', { name: '交责任部门' }).first().click()
  await b.page.getByRole('dialog').getByRole('button', { name: '交责任部门' }).click()
  await b.page.getByRole('dialog').waitFor({ state: 'detached' })
  await b.go('/catalog/demands')
  await b.page.getByText('区人力资源和社会保障局 响应').waitFor()
  await b.gate('catalog-demands')
  await b.go('/catalog/reports')
  await b.page.getByText('编目覆盖率').waitFor()
  await b.gate('catalog-reports')
  await b.close()
})

for (const theme of ['light', 'care']) {
  it(`fits a phone in the ${theme} theme`, async () => {
    const b = await at('editor', { viewport: phone, theme })
    await b.go('/catalog')
    await b.page.getByRole('link', { name: '洪山区单位用工信息' }).waitFor()
    await whole(b, `catalog-list-phone-${theme}`)
    await b.page.getByRole('link', { name: '洪山区单位用工信息' }).click()
    await b.page.getByRole('button', { name: '元数据' }).waitFor()
    await whole(b, `catalog-entry-phone-${theme}`)
    await b.go('/catalog/mine')
    await whole(b, `catalog-mine-phone-${theme}`)
    await b.close()
  })
}

it('reads well in the care theme and in English', async () => {
  const care = await at('reader', { theme: 'care' })
  await care.go('/catalog')
  await care.page.getByText('共 4 条').waitFor()
  await care.gate('catalog-list-care')
  await care.close()
  const english = await at('editor', { lang: 'en-GB' })
  await english.go('/catalog')
  await english.page.getByText('4 entries').waitFor()
  await english.gate('catalog-list-en')
  await english.go('/catalog/new')
  await whole(english, 'catalog-edit-en')
  await english.close()
  assert.ok(true)
})
