/** What the server sends in place of a secret; sent back, it means unchanged. */
export const UNCHANGED = "**********"
