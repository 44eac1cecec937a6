import { inspect } from 'node:util'

const hidden = '[secret]'

/** A text that no log, dump or JSON shows; only `reveal` gives it. */
export class HiddenText {
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
