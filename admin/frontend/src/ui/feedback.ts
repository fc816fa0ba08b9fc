// Messages and questions to the user; `FeedbackHost.vue` shows them.
import { reactive } from "vue"

export type Level = "success" | "info" | "warning" | "error"

export interface Message {
  id: number
  level: Level
  text: string
}

export interface Question {
  title: string
  text?: string
  accept?: string
  danger?: boolean
}

export const feedback = reactive({
  messages: [] as Message[],
  /** What the polite live region says. */
  said: "",
  question: null as (Question & { answer: (yes: boolean) => void }) | null,
})

const SHOWN_MS = 6_000
let last = 0

/** Shows a message; errors stay until they are dismissed. */
export function notify(text: string, level: Level = "success"): void {
  const id = ++last
  feedback.messages.push({ id, level, text })
  if (level !== "error") setTimeout(() => dismiss(id), SHOWN_MS)
}

export function dismiss(id: number): void {
  feedback.messages = feedback.messages.filter((message) => message.id !== id)
}

/** Tells those who cannot see the page what has changed on it. */
export function say(text: string): void {
  // The same text again would not be read out.
  feedback.said = feedback.said === text ? `${text}\u00a0` : text
}

/** Asks and waits for the answer. */
export function confirm(question: Question): Promise<boolean> {
  feedback.question?.answer(false)
  return new Promise((resolve) => {
    feedback.question = {
      ...question,
      answer(yes) {
        feedback.question = null
        resolve(yes)
      },
    }
  })
}
