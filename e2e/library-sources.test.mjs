// A data officer adds another system's database, chooses two of its tables, confirms and switches them on; overnight a column is
// renamed there, and he decides how to go on.

import { after, before, it } from 'node:test'
import { openBrowser, phone } from './lib/browser.mjs'
import { openOffice } from './lib/office.mjs'
import { startPostgres } from './lib/postgres.mjs'
import { startServer } from './lib/server.mjs'
import { signIn } from './lib/signin.mjs'
import { whole } from './lib/whole.mjs'

const refused = [/status of 4\d\d/] // what the browser says of a refused try, and of a 401 before signing in
const perms = ['library.read', 'library.load', 'library.source', 'library.grant'].map((perm) => [perm, 'below'])

let server, office, far, cookies
before(async () => {
  ;[server, far] = await Promise.all([startServer(), startPostgres()])
  office = await openOffice(server, {
    units: { district: { name: '洪山区', kind: 'district' }, centre: { name: '区大数据中心', kind: 'institution', above: 'district' } },
    people: { officer: { name: '陈立明', unit: 'centre', title: '数据专员', account: 'centre.data', password: 'Lake-Silk-33-Moon', perms, roles: ['catalog_editor'] } },
  })
  far.run(`
    CREATE TABLE jobseeker (id BIGINT PRIMARY KEY, full_name TEXT, card_no CHAR(18), phone TEXT, registered DATE, subsidy NUMERIC(10,2), changed TIMESTAMPTZ);
    COMMENT ON TABLE jobseeker IS '求职登记人员';
    COMMENT ON COLUMN jobseeker.full_name IS '姓名'; COMMENT ON COLUMN jobseeker.card_no IS '公民身份号码'; COMMENT ON COLUMN jobseeker.phone IS '手机号码';
    COMMENT ON COLUMN jobseeker.registered IS '登记日期'; COMMENT ON COLUMN jobseeker.subsidy IS '补贴金额'; COMMENT ON COLUMN jobseeker.changed IS '更新时间';
    INSERT INTO jobseeker SELECT g, (ARRAY['王','李','张','刘'])[1 + g % 4] || '某' || (ARRAY['一','二','三'])[1 + g % 3], '42019919850615' || lpad(CAST(g % 10000 AS TEXT), 4, '0'),
      '139' || lpad(CAST(g AS TEXT), 8, '0'), DATE '2022-01-01' + g % 500, 300 + g % 7 * 50, TIMESTAMPTZ '2023-05-01 00:00:00+00' + g * INTERVAL '1 minute' FROM generate_series(1, 5000) g;
    CREATE TABLE training (code TEXT PRIMARY KEY, title TEXT, places INTEGER);
    COMMENT ON TABLE training IS '培训班';
    INSERT INTO training VALUES ('A1', '电工初级', 40), ('A2', '养老护理', 60);
    CREATE VIEW overview AS SELECT count(*) AS n FROM jobseeker;`)
})
after(() => Promise.all([server?.stop(), far?.stop()]))

async function officerAt(options) {
  const b = await openBrowser(server.url, { expected: refused, ...options })
  await b.context.addCookies(cookies)
  return b
}

async function setting(value) {
  const all = await office.security.get('/api/settings')
  const { version } = all.groups.flatMap((group) => group.items).find((one) => one.name === 'library.allowed_hosts')
  await office.security.call('PUT', '/api/settings/library.allowed_hosts', { value, reason: '就业系统前置机', version })
}

it('tries a source, and says what is wrong before anything is kept', async () => {
  const b = await openBrowser(server.url, { expected: refused })
  const { page } = b
  await signIn(page, server.url, office.people.officer)
  cookies = await b.context.cookies()
  await b.go('/library/sources')
  await b.gate('sources-none')
  await page.getByRole('link', { name: '登记数据源' }).click()
  await page.getByLabel('名称').fill('区人社局就业系统')
  await page.getByLabel('主机', { exact: false }).first().fill(far.host)
  await page.getByLabel('端口').fill(String(far.port))
  await page.locator('#field-database').fill(far.database)
  await page.getByLabel('用户名').fill(far.user)
  await page.locator('#field-secret').fill('only-for-reading')
  await page.getByRole('button', { name: '测试连接' }).click()
  await page.getByText('不允许连接“127.0.0.1”').waitFor()
  await whole(b, 'sources-refused')
  await setting(['127.0.0.0/8', '10.0.0.0/8'])
  await page.getByRole('button', { name: '测试连接' }).click()
  await page.getByText('连接成功，能读取 3 张表').waitFor()
  await whole(b, 'sources-tried')
  await page.getByRole('button', { name: '保存数据源' }).click()
  await page.getByRole('heading', { name: '区人社局就业系统' }).waitFor()
  await b.close()
})

it('collects two tables at once, confirmed one by one', async () => {
  const b = await officerAt({})
  const { page } = b
  await b.go('/library/sources')
  await page.getByRole('link', { name: '区人社局就业系统' }).click()
  await page.getByRole('button', { name: '选择要归集的表' }).click()
  await page.getByLabel(/求职登记人员/).check()
  await page.getByLabel(/培训班/).check()
  await whole(b, 'sources-tables')
  await page.getByRole('button', { name: '下一步：核对 2 张表' }).click()
  await page.getByRole('link', { name: '求职登记人员' }).waitFor()
  await b.gate('sources-drafts')
  await page.getByRole('link', { name: '求职登记人员' }).click()
  await page.getByRole('button', { name: '查看' }).click()
  await page.getByText('139****0001').first().waitFor()
  await page.getByLabel('增量（按变化的列）').check()
  await page.locator('#field-column').selectOption('changed')
  await page.getByLabel('资源代码').fill('jobseeker')
  await whole(b, 'sources-confirm')
  await page.getByRole('button', { name: '启用并归集' }).click()
  await page.getByText('归集 5,000 行').waitFor()
  far.run(`UPDATE jobseeker SET subsidy = 999, changed = now() WHERE id = 7; INSERT INTO jobseeker SELECT 5001, '赵某四', card_no, phone, registered, subsidy, now() FROM jobseeker WHERE id = 1`)
  await page.getByRole('button', { name: '立即归集' }).click()
  await page.getByText('新增 1，更新 1，删除 0').waitFor()
  await whole(b, 'sources-feed')
  await b.close()
})

it('drafts the catalogue of the whole source in one command, collected or not', async () => {
  const b = await officerAt({})
  const { page } = b
  await b.go('/catalog/mine')
  await page.getByRole('button', { name: '从数据资源起草' }).click()
  await page.getByLabel('起草范围').selectOption({ label: '数据源“区人社局就业系统”的全部表或文件' })
  await whole(b, 'sources-catalogue')
  await page.getByRole('button', { name: '开始起草' }).click()
  await page.getByText(/起草完成：新建 3 条草稿/).waitFor()
  await page.getByRole('dialog').getByRole('button', { name: '关闭' }).last().click()
  await page.getByRole('link', { name: '培训班' }).click()
  await page.getByText('数据源中的表或文件，尚未归集').first().waitFor({ state: 'attached' }).catch(() => null)
  await b.gate('sources-catalogue-entry')
  await b.close()
})

it('asks when a column was renamed overnight, and goes on as decided', async () => {
  const b = await officerAt({})
  const { page } = b
  far.run(`ALTER TABLE jobseeker RENAME COLUMN phone TO phone_no; ALTER TABLE jobseeker ADD COLUMN street TEXT; UPDATE jobseeker SET street = '狮子山街道', changed = now() WHERE id < 50`)
  await b.go('/library/sources')
  await page.getByRole('link', { name: '区人社局就业系统' }).click()
  await page.getByRole('link', { name: '求职登记人员' }).click()
  await page.getByRole('button', { name: '立即归集' }).click()
  await page.getByText('数据源的列有变化，请决定怎样处理').waitFor()
  await page.getByText('可能改名为“phone_no”').waitFor()
  await whole(b, 'sources-decide')
  await page.getByRole('button', { name: '按此处理并重新归集' }).click()
  await page.getByText('新增 0，更新 49，删除 0').waitFor()
  await whole(b, 'sources-decided')
  await page.getByRole('link', { name: '求职登记人员' }).click()
  await page.getByRole('button', { name: /^字段/ }).click()
  await page.getByText('street').first().waitFor()
  await b.close()
})

it('says what failed in words, and speaks English', async () => {
  const b = await officerAt({ lang: 'en' })
  const { page } = b
  far.run(`DROP TABLE training`)
  await b.go('/library/sources')
  await page.getByRole('link', { name: '区人社局就业系统' }).click()
  await b.gate('sources-source-en')
  await b.close()
})

for (const theme of ['light', 'care']) {
  it(`fits a phone in the ${theme} theme`, async () => {
    const b = await officerAt({ viewport: phone, theme })
    const { page } = b
    await b.go('/library/sources')
    await whole(b, `sources-phone-${theme}`)
    await page.getByRole('link', { name: '区人社局就业系统' }).click()
    await page.getByRole('link', { name: '求职登记人员' }).waitFor()
    await whole(b, `sources-source-phone-${theme}`)
    await page.getByRole('button', { name: '选择要归集的表' }).click()
    await page.getByLabel(/求职登记人员/).waitFor()
    await whole(b, `sources-tables-phone-${theme}`)
    await page.getByRole('link', { name: '求职登记人员' }).click()
    await page.getByText('运行记录').waitFor()
    await whole(b, `sources-feed-phone-${theme}`)
    await page.getByRole('button', { name: '修改设置' }).click()
    await whole(b, `sources-edit-phone-${theme}`)
    await b.close()
  })
}
