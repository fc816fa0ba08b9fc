/** Files as Base64. */

/** How many bytes a Base64 text holds. */
export function sizeOf(base64: string): number {
  const text = base64.replace(/[\s=]/g, "")
  return Math.floor((text.length * 3) / 4)
}

/** The Base64 of a chosen file. */
export async function readFile(file: File): Promise<string> {
  return await new Promise((resolve, reject) => {
    const reader = new FileReader()
    reader.onload = () => resolve(String(reader.result).replace(/^[^,]*,?/, ""))
    reader.onerror = () => reject(reader.error ?? new Error(file.name))
    reader.readAsDataURL(file)
  })
}
