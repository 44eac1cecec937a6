export const errorCatalogue: Readonly<Record<string, { readonly summary: string; readonly remedy: string }>> = {}
