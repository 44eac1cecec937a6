import { inspect } from 'node:util'

const hidden = '[secret]'

/**
 * A value that must not be printed: passwords, private keys. `toString`, `toJSON` and `util.inspect` show a placeholder; only `reveal` gives the
 * value, so that each use can be found by name.
 */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  reveal(): string {
    return this.#value
  }

  toString(): string {
    return hidden
  }

  toJSON(): string {
    return hidden
  }

  [inspect.custom](): string {
    return hidden
  }
}
