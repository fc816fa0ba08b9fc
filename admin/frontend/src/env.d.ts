declare module "virtual:icons" {
  /** Names of the PrimeIcons in the sprite, without "pi-". */
  export const names: Set<string>
  /** Address of the sprite. */
  export const sprite: string
}
