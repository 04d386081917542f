import type { ScanEntry } from '../../shared/api.ts'

/** One line of an export in NDJSON, which is a record for an import. */
export function ndjsonLine({ key, keyEncoding, value = '', encoding = 'utf8' }: ScanEntry): string {
  return `${JSON.stringify({ key, ...(keyEncoding === 'base64' ? { keyEncoding } : {}), value, encoding })}\n`
}

export function csvHeader(): string {
  return 'key,keyEncoding,value,encoding\n'
}

export function csvLine({ key, keyEncoding = 'utf8', value = '', encoding = 'utf8' }: ScanEntry): string {
  return `${csvField(key)},${keyEncoding},${csvField(value)},${encoding}\n`
}

function csvField(text: string): string {
  return /[",\r\n]/.test(text) || text.trim() !== text ? `"${text.replaceAll('"', '""')}"` : text
}
