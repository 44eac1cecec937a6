import * as z from 'zod'
import { cloudConfig } from './schema/cloud-config.ts'
import { deployReport, errorReport, formatReport, growReport, probeReport } from './schema/reports.ts'

const sources = {
  'deploy-report': deployReport,
  'probe-report': probeReport,
  'format-report': formatReport,
  'grow-report': growReport,
  'error-report': errorReport,
  'deploy-request': cloudConfig.meta({ title: 'host-deployer: user-data (cloud-config)' }),
}

export type JsonSchemaName = keyof typeof sources

export const jsonSchemaNames = Object.keys(sources) as JsonSchemaName[]

/**
 * The published JSON Schema (draft 2020-12) of a document. `deploy-request` is what the user writes, user-data as cloud-config, and not the
 * request after parsing.
 */
export function jsonSchema(name: JsonSchemaName): Record<string, unknown> {
  const io = name === 'deploy-request' ? 'input' : 'output'
  // Binary content (`!!binary`) has no JSON form.
  return z.toJSONSchema(sources[name], { io, unrepresentable: 'any', reused: 'inline' })
}

/** The file's text, as committed in `schemas/`. */
export const jsonSchemaText = (name: JsonSchemaName) => `${JSON.stringify(jsonSchema(name), undefined, 2)}\n`
