/** The account that `login_account` was about. */
export interface LoginAccount {
  readonly name: string
  /** The request gave it a password. */
  readonly hasPassword: boolean
  /** The request gave it keys. */
  readonly hasKeys: boolean
}

/** Where the operation `login-account` leaves which account it chose: for the report, and for what the guest's cloud-init must not undo. */
export interface LoginAccountNote {
  choose(account: LoginAccount): void
  readonly chosen: LoginAccount | undefined
}

export function createLoginAccountNote(): LoginAccountNote {
  let chosen: LoginAccount | undefined
  return {
    choose: (account) => {
      chosen = account
    },
    get chosen() {
      return chosen
    },
  }
}
