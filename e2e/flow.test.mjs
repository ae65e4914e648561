// The flow of a kind of case is drawn in the browser: a step comes in between, is checked, published and walked through; a case
// that was under way follows; a file of another tool is read.
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openBrowser, phone } from './lib/browser.mjs'
import { eventually } from './lib/eventually.mjs'
import { openOffice } from './lib/office.mjs'
import { startServer } from './lib/server.mjs'
import { whole } from './lib/whole.mjs'

const kind = 'forms.repair'
const worker = (name, unit, title, account, n, roles = []) => ({ name, unit, title, account, password: `Lake-Silk-${n}-Moon`, roles })

let server, office
before(async () => {
  server = await startServer()
  office = await openOffice(server, {
    units: { district: { name: '洪山区', kind: 'district', code: '420111' }, affairs: { name: '区机关事务服务中心', kind: 'department', above: 'district' } },
    people: {
      designer: worker('黄信息', 'district', '信息办公室', 'centre.huang', 41, ['app_designer']),
      clerk: worker('孙科员', 'district', '科员', 'clerk.sun', 42),
      desk: worker('何前台', 'affairs', '服务台', 'desk.he', 43, ['repair_desk']),
      fixer: worker('高师傅', 'affairs', '维修工', 'fixer.gao', 44, ['repair_worker']),
    },
  })
})
after(() => server?.stop())

async function at(who, options = {}) {
  const b = await openBrowser(server.url, options)
  await office.people[who].client.lend(b.context)
  return b
}
async function file(trouble) {
  const { client } = office.people.clerk
  await client.post('/api/forms/apps/repair/entries', { data: { kind: 'power', spot: '三号楼二层', trouble, urgent: 'no', phone: '13900001111' } })
  const { items } = await client.get('/api/forms/apps/repair/entries')
  return items.find((one) => one.title.includes(trouble)).case
}
async function deed(who, id, body) {
  const { client } = office.people[who]
  const found = await client.get(`/api/flow/cases/${id}`)
  assert.ok(found.mine?.length, `${who} has a task at ${found.step}`)
  await client.post(`/api/flow/cases/${id}/deeds`, { verb: 'submit', task: found.mine[0].id, ...body })
}
const stepOf = async (id) => (await office.people.clerk.client.get(`/api/flow/cases/${id}`)).step

it('a step is drawn into a flow, checked, published and walked through; a running case follows', async () => {
  const old = await file('空调漏水')
  const b = await at('designer')
  const { page } = b
  await b.go('/flow/drawings')
  await page.getByRole('link', { name: '物业报修', exact: true }).waitFor()
  await whole(b, 'flow-drawings')
  await page.getByRole('link', { name: '物业报修', exact: true }).click()
  await page.locator('.vue-flow__node').first().waitFor()
  await whole(b, 'flow-draw')

  // A new step between repair and acceptance, by the list alone.
  await page.getByRole('button', { name: /^全部元素/ }).click()
  await page.getByRole('button', { name: /^维修 → 验收评价/ }).click()
  await page.getByRole('button', { name: '人工任务', exact: true }).click()
  const panel = page.getByRole('region', { name: '属性' })
  await panel.getByLabel('名称').fill('安全复核')
  await page.getByText('有 1 处错误').waitFor()
  await eventually(async () => assert.ok(await page.getByRole('button', { name: '发布', exact: true }).isDisabled(), 'errors block publishing'))
  await page.getByRole('button', { name: /^检查结果/ }).click()
  await panel.getByLabel('名称').press('Escape')
  await page.locator('.vue-flow__pane').click({ position: { x: 5, y: 5 } })
  await panel.getByText('这里是整个流程的属性').waitFor()
  await page.getByRole('button', { name: /安全复核 没有写明由谁办理/ }).click()
  await whole(b, 'flow-draw-finding')
  await panel.getByRole('button', { name: '添加办理人' }).click()
  await panel.getByLabel('办理人第 1 条：谁').selectOption({ label: '担任某角色的人' })
  await panel.getByLabel('办理人第 1 条：角色').selectOption({ label: '物业服务台 · 物业报修' })
  await page.getByText('没有发现问题').waitFor()
  await panel.getByText('时限与提醒').click()
  await panel.getByRole('button', { name: '添加环节时限' }).click()
  await panel.getByText(/^办理结果/).click()
  await whole(b, 'flow-draw-task')

  // What the hand and the keys do: moved, taken back, joined, taken out.
  const canvas = page.getByRole('group', { name: /的流程图/ })
  const place = async () => (await page.locator('.vue-flow__node', { hasText: '安全复核' }).boundingBox()).y
  const before = await place()
  await page.locator('.vue-flow__node', { hasText: '安全复核' }).click()
  await page.keyboard.press('Shift+ArrowDown')
  await eventually(async () => assert.ok((await place()) > before + 20, 'arrows move it'))
  await page.keyboard.press('Control+z')
  await eventually(async () => assert.ok(Math.abs((await place()) - before) < 2, 'and it is taken back'))
  const node = page.locator('.vue-flow__node', { hasText: '安全复核' })
  const box = await node.boundingBox()
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2)
  await page.mouse.down()
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2 + 60, { steps: 6 })
  await page.mouse.up()
  await eventually(async () => assert.ok((await place()) > before + 30, 'it is dragged'))
  await page.getByRole('button', { name: '撤销', exact: true }).click()
  await eventually(async () => assert.ok(Math.abs((await place()) - before) < 2, 'and it is taken back again'))
  const lines = async (n, words) => eventually(async () => assert.equal(await page.locator('.lines .line').count(), n, words))
  const were = await page.locator('.lines .line').count()
  await node.hover()
  const from = await node.locator('.out').boundingBox()
  const to = await page.locator('.vue-flow__node', { hasText: '受理派工' }).boundingBox()
  await page.mouse.move(from.x + from.width / 2, from.y + from.height / 2)
  await page.mouse.down()
  await page.mouse.move(to.x + to.width / 2, to.y + to.height / 2, { steps: 10 })
  await page.mouse.up()
  await lines(were + 1, 'joined by dragging')
  await page.getByRole('button', { name: '撤销', exact: true }).click()
  await lines(were, 'and taken back')
  await node.click()
  await panel.getByLabel('连到').selectOption({ label: '受理派工' })
  await lines(were + 1, 'joined by the list')
  await page.getByRole('button', { name: '撤销', exact: true }).click()
  await lines(were, 'and taken back')
  await page.getByRole('button', { name: '定时', exact: true }).click()
  await panel.getByText('附在“安全复核”上').waitFor()
  await whole(b, 'flow-draw-timer')
  await panel.getByRole('button', { name: '删除' }).click()
  await page.getByRole('button', { name: '重新排版' }).click()
  await page.getByRole('button', { name: '适合窗口' }).click()

  await page.getByRole('button', { name: '保存草稿' }).click()
  await page.getByText('草稿已保存').waitFor()
  await page.getByRole('button', { name: '发布', exact: true }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('版本说明').fill('维修后增加安全复核')
  await whole(b, 'flow-draw-publish')
  await dialog.getByRole('button', { name: '发布' }).click()
  await dialog.waitFor({ state: 'hidden' })
  await page.getByRole('button', { name: '版本（2）' }).click()
  await page.getByText('维修后增加安全复核').waitFor()
  const [pack] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: /下载 BPMN ?第 2 版/ }).click()])
  assert.match(pack.suggestedFilename(), /\.bpmn$/)
  await whole(b, 'flow-draw-versions')
  await page.getByRole('button', { name: /查看 ?第 1 版/ }).click()
  await page.getByRole('dialog').locator('.vue-flow__node').first().waitFor()
  await whole(b, 'flow-draw-version')
  await page.getByRole('dialog').getByRole('button', { name: '关闭' }).click()

  // What is filed now goes through the new step.
  const fresh = await file('灯管不亮')
  await deed('desk', fresh, { outcome: 'accept', data: { worker: '高师傅' }, to: [office.people.fixer.id] })
  await deed('fixer', fresh, { data: { done: '更换灯管' } })
  assert.equal(await stepOf(fresh), '安全复核')
  await deed('desk', fresh, {})
  assert.equal(await stepOf(fresh), '验收评价')

  // The one that was under way is taken over by the plan, and goes through it too.
  await page.getByRole('button', { name: '在办事项转到新版' }).click()
  await page.getByLabel('“受理派工”转到').waitFor()
  await page.getByLabel('转移原因').fill('统一按新版复核')
  await whole(b, 'flow-draw-plan')
  await page.getByRole('button', { name: '开始转移' }).click()
  await page.getByText('转移完成').waitFor()
  await page.getByText('共 1 件，已转 1 件，留下 0 件').waitFor()
  await whole(b, 'flow-draw-moved')
  await deed('desk', old, { outcome: 'accept', data: { worker: '高师傅' }, to: [office.people.fixer.id] })
  await deed('fixer', old, { data: { done: '疏通排水管' } })
  assert.equal(await stepOf(old), '安全复核')

  // A later version has no such step: with the keyboard alone it is taken out; the case that stands there stays, and it is said why.
  await page.getByRole('button', { name: /^全部元素/ }).click()
  await page.getByRole('button', { name: /^安全复核 人工任务/ }).press('Enter')
  await page.getByRole('button', { name: '编辑属性' }).press('Enter')
  await eventually(async () => assert.ok(await panel.evaluate((it) => it.contains(document.activeElement)), 'the properties have the focus'))
  await page.keyboard.press('Tab')
  await eventually(async () => assert.equal(await page.evaluate(() => document.activeElement.textContent), '删除', 'the list leads to the properties'))
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: /^维修 人工任务/ }).press('Enter')
  await panel.getByLabel('连到').selectOption({ label: '验收评价' })
  await page.getByRole('button', { name: '重新排版' }).press('Enter')
  await page.getByRole('button', { name: /^检查结果（0）/ }).waitFor()
  await page.getByRole('button', { name: '发布', exact: true }).click()
  await dialog.getByLabel('版本说明').fill('取消安全复核')
  await dialog.getByRole('button', { name: '发布' }).click()
  await dialog.waitFor({ state: 'hidden' })
  await page.getByRole('button', { name: '在办事项转到新版' }).click()
  await page.getByText('停在这一步的事项留在旧版').waitFor()
  await page.getByLabel('转移原因').fill('统一按第三版办理')
  await whole(b, 'flow-draw-plan-stays')
  await page.getByRole('button', { name: '开始转移' }).click()
  await page.getByText('共 2 件，已转 1 件，留下 1 件').waitFor()
  await page.getByText('新流程里没有“安全复核”').waitFor()
  await whole(b, 'flow-draw-kept')
  await b.close()
})

it('taking running cases over is stopped half-way and goes on from there', async () => {
  const many = 240
  let left = many
  await Promise.all(Array.from({ length: 6 }, async () => {
    while (left-- > 0) await office.people.clerk.client.post('/api/forms/apps/repair/entries', { data: { kind: 'power', spot: '五号楼', trouble: `插座 ${left}`, urgent: 'no', phone: '13900001111' } })
  }))
  const b = await at('designer')
  const { page } = b
  await b.go(`/flow/drawings/${kind}`)
  await page.locator('.vue-flow__node').first().waitFor()
  const panel = page.getByRole('region', { name: '属性' })
  await panel.getByLabel('说明').fill('第四版')
  await panel.getByLabel('说明').press('Tab')
  await page.getByRole('button', { name: '发布', exact: true }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('版本说明').fill('补充说明')
  await dialog.getByRole('button', { name: '发布' }).click()
  await dialog.waitFor({ state: 'hidden' })
  await page.getByRole('button', { name: '在办事项转到新版' }).click()
  await page.getByLabel('转移原因').fill('统一按新版办理')
  await page.getByRole('button', { name: '开始转移' }).click()
  await page.getByRole('button', { name: '停止转移' }).click()
  await page.getByText('已停止', { exact: true }).waitFor()
  const { last, cases } = await office.people.designer.client.get(`/api/flow/drawings/${kind}/move`)
  assert.equal(last.state, 'cancelled')
  assert.ok(last.moved < last.total && cases >= last.total - last.moved, `${last.moved} of ${last.total} moved, ${cases} left`)
  await whole(b, 'flow-draw-stopped')
  await page.getByLabel('转移原因').fill('继续转移')
  await page.getByRole('button', { name: '开始转移' }).click()
  await page.getByText('转移完成').waitFor({ timeout: 60_000 })
  await page.getByText('没有事项停在旧版').or(page.getByText(/留在旧版的 \d+ 件/)).first().waitFor()
  await whole(b, 'flow-draw-moved-all')
  await b.close()
})

it('a file of another tool is read, with what was not taken over; a draft saved twice is told', async () => {
  const b = await at('designer', { expected: [/status of 409/] })
  const { page } = b
  await b.go('/flow/drawings/forms.repair')
  await page.locator('.vue-flow__node').first().waitFor()
  for (const name of ['camunda-countersign', 'bpmnio-repair', 'zeebe-subsidy']) {
    await page.getByLabel('导入 BPMN', { exact: true }).last().setInputFiles(fileURLToPath(new URL(`../internal/kernel/flow/internal/bpmn/testdata/${name}.bpmn`, import.meta.url)))
    await page.getByText(/已导入 \d+ 个元素/).first().waitFor()
    await page.getByText(/^有 \d+ 处错误/).waitFor()
    await page.waitForTimeout(300)
    await whole(b, `flow-draw-read-${name}`)
  }
  const { client } = office.people.designer
  const { sheet } = await client.get(`/api/flow/drawings/${kind}`)
  await client.call('PUT', `/api/flow/drawings/${kind}/draft`, { process: sheet.process, version: 0 })
  await page.getByRole('button', { name: '保存草稿' }).click()
  await page.getByText('这份草稿已被别人改过或发布').waitFor()
  await whole(b, 'flow-draw-conflict')
  await page.getByRole('button', { name: '重新打开' }).click()
  await page.getByText('有草稿').waitFor()
  await page.getByRole('button', { name: '丢弃草稿' }).click()
  await page.getByRole('dialog').getByRole('button', { name: '丢弃草稿' }).click()
  await page.getByText('使用中').waitFor()
  await b.close()
})

it('lanes, a sub-process and the gateways are drawn; on a phone a flow is looked at', async () => {
  const b = await at('designer')
  const { page } = b
  await b.go('/flow/drawings/forms.repair')
  await page.locator('.vue-flow__node').first().waitFor()
  const panel = page.getByRole('region', { name: '属性' })
  // A lane comes below; nothing that is drawn moves. A node that is put into it moves there alone, and is dragged within it.
  const stands = () => page.locator('.vue-flow__node-shape').evaluateAll((all) => all.map((one) => one.dataset.id + one.style.transform))
  const stood = await stands()
  await panel.getByRole('button', { name: '添加泳道' }).click()
  await panel.getByLabel('名称').fill('服务台')
  assert.deepEqual(await stands(), stood, 'a lane places nothing anew')
  await page.getByRole('button', { name: '适合窗口' }).click()
  await page.locator('.vue-flow__node', { hasText: '受理派工' }).click()
  await panel.getByLabel('所在泳道').selectOption({ label: '服务台' })
  const moved = await stands()
  assert.equal(moved.filter((one) => !stood.includes(one)).length, 1, 'only what was put into it moved')
  await page.getByRole('button', { name: '适合窗口' }).click()
  await whole(b, 'flow-draw-lane')
  await page.getByRole('button', { name: /^全部元素/ }).click()
  await page.getByRole('button', { name: /^报修 → / }).first().click()
  await page.getByRole('button', { name: '子流程', exact: true }).click()
  await page.getByRole('button', { name: '适合窗口' }).click()
  await whole(b, 'flow-draw-lanes')

  // Inside the sub-process a task is dragged; the frame grows with it and the others stay.
  const inner = page.locator('.vue-flow__node', { hasText: '新任务' }).last()
  const sub = page.locator('.vue-flow__node', { hasText: '子流程' }).first()
  const [from, frame] = [await inner.boundingBox(), await sub.boundingBox()]
  await page.mouse.move(from.x + from.width / 2, from.y + from.height / 2)
  await page.mouse.down()
  await page.mouse.move(from.x + from.width / 2 + 30, from.y + from.height / 2 + 90, { steps: 8 })
  await page.mouse.up()
  const [to, grown] = [await inner.boundingBox(), await sub.boundingBox()]
  assert.ok(to.x > from.x + 12 && Math.abs(to.y - from.y - 90) < 20, `dragged by ${to.x - from.x}, ${to.y - from.y}`)
  assert.ok(grown.height > frame.height + 20 && Math.abs(grown.x - frame.x) < 2 && grown.y + grown.height > to.y + to.height, 'the frame grows')
  await page.mouse.move(grown.x + 60, grown.y + 14)
  await page.mouse.down()
  await page.mouse.move(grown.x + 60, grown.y + 54, { steps: 6 })
  await page.mouse.up()
  const [after, whereTo] = [await inner.boundingBox(), await sub.boundingBox()]
  assert.ok(whereTo.y > grown.y + 20 && Math.abs(after.y - to.y - (whereTo.y - grown.y)) < 2, 'what is inside goes along')
  await whole(b, 'flow-draw-inside')

  // Every kind the palette offers has its properties, and all of them are in words.
  const add = (name) => page.getByRole('group', { name: '添加元素' }).getByRole('button', { name, exact: true }).click()
  const inWords = async () => assert.doesNotMatch(await page.locator('#app').innerText(), /flow\.draw\./)
  for (const name of ['服务任务', '调用', '互斥', '并行', '包容', '结束']) {
    await add(name)
    await inWords()
    if (name === '服务任务') {
      await panel.getByRole('button', { name: '添加参数' }).click()
      await panel.getByText('多份重复').click()
      await panel.getByLabel('按列表重复办理').check()
      await whole(b, 'flow-draw-service')
    }
  }
  await page.locator('.vue-flow__node', { hasText: '验收评价' }).click()
  await add('消息')
  await inWords()
  await page.locator('.vue-flow__node', { hasText: '验收评价' }).click()
  for (const part of [/^办理结果/, '时限与提醒', '办理要求', /^字段权限/]) await panel.locator('summary', { hasText: part }).click()
  await panel.getByRole('button', { name: '添加超时升级' }).click()
  await panel.getByLabel('本环节单独规定').check()
  await panel.getByRole('radio', { name: '报修地点 隐藏' }).check()
  await panel.getByRole('button', { name: '添加抄送' }).click()
  await panel.getByLabel('抄送第 1 条：谁').selectOption({ label: '单位负责人' })
  await panel.getByRole('group', { name: '抄送' }).getByLabel('哪个单位').selectOption({ label: '指定单位' })
  await panel.getByRole('combobox', { name: '指定单位' }).fill('机关事务')
  await panel.getByRole('option', { name: /区机关事务服务中心/ }).click()
  await panel.getByText('区机关事务服务中心').first().waitFor()
  await panel.getByLabel('抄送第 1 条：谁').selectOption({ label: '指定岗位' })
  await panel.getByRole('combobox', { name: '指定岗位' }).fill('何前台')
  await panel.getByRole('option', { name: /何前台/ }).click()
  await panel.getByLabel('指定岗位：哪个岗位').selectOption({ label: '服务台 · 区机关事务服务中心' })
  for (const who of ['单位负责人', '前面环节选定的人', '办过某环节的人', '指定人员']) await panel.getByLabel('抄送第 1 条：谁').selectOption({ label: who })
  await panel.getByRole('combobox', { name: '指定人员' }).fill('高师傅')
  await panel.getByRole('option', { name: /高师傅/ }).click()
  await panel.getByText('高师傅').first().waitFor()
  await inWords()
  await page.getByRole('button', { name: '重新排版' }).click()
  await page.getByRole('button', { name: '适合窗口' }).click()
  await whole(b, 'flow-draw-all')
  await page.evaluate(() => (document.documentElement.dataset.theme = 'care'))
  await whole(b, 'flow-draw-care')
  await b.close()
  const e = await at('designer', { lang: 'en-US' })
  await e.go('/flow/drawings/forms.repair')
  await e.page.locator('.vue-flow__node').first().waitFor()
  await e.gate('flow-draw-en')
  await e.close()
  const p = await at('designer', { viewport: phone })
  await p.go('/flow/drawings')
  await p.page.getByRole('link', { name: '物业报修', exact: true }).waitFor()
  await p.gate('flow-drawings-390')
  await p.page.getByRole('link', { name: '物业报修', exact: true }).click()
  await p.page.locator('.vue-flow__node').first().waitFor()
  await p.gate('flow-draw-390')
  await p.close()
})
