import { apiEvents } from './api'
import { newKey } from './idempotency'
import { Problem, problemOf, type ProblemBody } from './problem'

/** What the caller of upload may ask for. */
export interface UploadOptions {
  fields?: Record<string, string> // sent before the file, so that the server can judge them first
  field?: string // form name of the file, 'file' unless told
  key?: string // Idempotency-Key; give the same one when the user retries the same file
  onProgress?: (share: number) => void // 0…1
  signal?: AbortSignal
}

/** Posts one file as multipart/form-data with progress, which fetch cannot tell. Resolves with the JSON answer, throws a Problem. */
export function upload<T>(path: string, file: File, options: UploadOptions = {}): Promise<T> {
  const form = new FormData()
  for (const [name, value] of Object.entries(options.fields ?? {})) form.append(name, value)
  form.append(options.field ?? 'file', file, file.name)
  return new Promise<T>((resolve, reject) => {
    const xhr = new XMLHttpRequest()
    xhr.open('POST', path)
    xhr.setRequestHeader('Accept-Language', document.documentElement.lang || 'zh-CN')
    xhr.setRequestHeader('X-Qushu-Csrf', '1')
    xhr.setRequestHeader('Idempotency-Key', options.key ?? newKey())
    xhr.upload.onprogress = (e) => {
      if (e.lengthComputable) options.onProgress?.(e.loaded / e.total)
    }
    xhr.onerror = () => {
      apiEvents.dispatchEvent(new Event('lost'))
      reject(new Problem(0, ''))
    }
    xhr.onabort = () => reject(new DOMException('aborted', 'AbortError'))
    xhr.onload = () => {
      const body = parse(xhr.responseText)
      if (xhr.status >= 200 && xhr.status < 300) return resolve(body as T)
      if (xhr.status === 401) apiEvents.dispatchEvent(new Event('unsigned'))
      reject(problemOf(xhr.status, body as ProblemBody | null, xhr.getResponseHeader('X-Trace-Id') ?? ''))
    }
    options.signal?.addEventListener('abort', () => xhr.abort(), { once: true })
    xhr.send(form)
  })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
