/** A position in degrees. */
export interface Position {
  lon: number
  lat: number
}

const longest = 1920 // pixels of the longer side: enough to read a number plate, a tenth of what a phone takes

/** A photo made small enough for a weak link, its orientation kept; the file itself where it cannot be drawn or is small already. */
export async function shrink(file: File): Promise<File> {
  if (!/^image\/(jpeg|png|webp)$/.test(file.type) || file.size < 400_000) return file
  try {
    const bitmap = await createImageBitmap(file)
    const scale = Math.min(1, longest / Math.max(bitmap.width, bitmap.height))
    const canvas = document.createElement('canvas')
    canvas.width = Math.round(bitmap.width * scale)
    canvas.height = Math.round(bitmap.height * scale)
    canvas.getContext('2d')!.drawImage(bitmap, 0, 0, canvas.width, canvas.height)
    bitmap.close()
    const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, 'image/jpeg', 0.82))
    if (!blob || blob.size >= file.size) return file
    return new File([blob], file.name.replace(/\.\w+$/, '') + '.jpg', { type: 'image/jpeg', lastModified: file.lastModified })
  } catch {
    return file
  }
}

/** Where the device is, undefined when it does not say within five seconds or the person does not want it. */
export function position(): Promise<Position | undefined> {
  return new Promise((done) => {
    if (!('geolocation' in navigator)) return done(undefined)
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => done({ lon: Number(coords.longitude.toFixed(6)), lat: Number(coords.latitude.toFixed(6)) }),
      () => done(undefined),
      { timeout: 5_000, maximumAge: 120_000 },
    )
  })
}
