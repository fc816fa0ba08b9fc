// Writes each text file of a folder a second and third time, compressed, for servers that only send.
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { brotliCompressSync, constants, gzipSync } from "node:zlib"

const TEXT = /\.(js|css|svg|json|txt)$/
const folder = join(process.cwd(), process.argv[2] ?? "")

for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
  const path = join(folder, name)
  if (!TEXT.test(name) || !statSync(path).isFile()) continue
  const content = readFileSync(path)
  const brotli = { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }
  writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }))
  writeFileSync(`${path}.br`, brotliCompressSync(content, brotli))
}
