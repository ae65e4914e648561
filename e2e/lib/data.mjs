// Spreadsheets as an office sends them, and the way of one into a dataset through the API.

let gbk // character → bytes, learnt from the decoder: Node has no encoder
function table() {
  if (gbk) return gbk
  gbk = new Map()
  const decoder = new TextDecoder('gb18030')
  for (let high = 0x81; high <= 0xfe; high++) {
    for (let low = 0x40; low <= 0xfe; low++) {
      const character = decoder.decode(Uint8Array.of(high, low))
      if (character.length === 1 && character !== '\ufffd') gbk.set(character, [high, low])
    }
  }
  return gbk
}

/** Text as Excel saves CSV on a Chinese Windows. */
export function toGBK(text) {
  const bytes = []
  for (const character of text) {
    const code = character.codePointAt(0)
    const pair = code < 0x80 ? [code] : table().get(character)
    if (!pair) throw new Error(`not in GBK: ${character}`)
    bytes.push(...pair)
  }
  return Buffer.from(bytes)
}

/** A resident identity number that belongs to nobody (area 420199 is not given out), with the right check digit (GB 11643-1999). */
export function fictionalID(n) {
  const year = 1950 + (n % 50)
  const month = String(1 + (n % 12)).padStart(2, '0')
  const day = String(1 + (n % 28)).padStart(2, '0')
  const body = `420199${year}${month}${day}${String(Math.floor(n / 50) % 1000).padStart(3, '0')}`
  const sum = [...body].reduce((total, digit, at) => total + Number(digit) * (2 ** (17 - at) % 11), 0)
  return body + '10X98765432'[sum % 11]
}

/** Uploads a file as the client's person and makes a dataset of it. correct(columns) may change what was guessed, choice the rest. Gives its id. */
export async function makeDataset(client, { file, bytes, choice = {}, correct = () => {} }) {
  const upload = await client.post('/api/file/uploads', { name: file, size: bytes.length })
  await client.call('PUT', `/api/file/uploads/${upload.id}?offset=0`, bytes)
  const { id } = await client.post(`/api/file/uploads/${upload.id}/done`)
  let load = await client.post('/api/library/loads', { fileId: id })
  correct(load.columns)
  const { name, title, columns, onBad, version } = load
  load = await client.call('PUT', `/api/library/loads/${load.id}`, { name, title, columns, onBad, version, ...choice })
  load = await client.post(`/api/library/loads/${load.id}/start`, { version: load.version })
  while (load.state === 'queued' || load.state === 'running') {
    await new Promise((resolve) => setTimeout(resolve, 100))
    load = await client.get(`/api/library/loads/${load.id}`)
  }
  if (load.state !== 'done') throw new Error(`the load ended ${load.state}: ${load.error}`)
  return load.madeDataset
}
