/** Words that the vocabulary replaces, with the word to use. Matched in comments, texts and, split at capitals, in names. */
const BANNED_WORDS: readonly (readonly [RegExp, string])[] = [
  [/\b(told|tells?)\b/i, 'notify, send, announce'],
  [/\b(hears?|heard|hearing)\b/i, 'receive'],
  [/\blest\b/i, 'so that … not'],
  [/\b(whoever|whom)\b/i, 'client, session, node'],
  [/\belsewhere\b/i, 'on another node'],
  [/\b(comes?|coming) again\b/i, 'reconnect'],
  [/\bis none\b/i, 'is not a …'],
  [/\bfor ever\b/i, 'indefinitely'],
  [/\blooks\b(?! (?:up|for|like|at|into)\b)/i, 'ticks, checks'],
];

/** The beginning of a comment whose first word is a pronoun instead of a verb or a noun. */
const PRONOUN_FIRST = /(?:\/\*\*?|\/\/|<!--)[\s*]*(who|whoever|what|those)\b/gi;

/** Lists the banned words in a text, one sentence each. @param path names the text in the sentences */
export function proseBreaches(path: string, text: string): string[] {
  return text.split('\n').flatMap((line, index) => {
    const words = line.replaceAll(/([a-z\d])([A-Z])/g, '$1 $2').replaceAll('_', ' ');
    return BANNED_WORDS.flatMap(([pattern, instead]) => {
      const found = pattern.exec(words);
      return found === null ? [] : [`${path}:${index + 1} says "${found[0]}"; use: ${instead}`];
    });
  });
}

/** Lists the comments that begin with a pronoun, one sentence each. */
export function commentBreaches(path: string, text: string): string[] {
  return [...text.matchAll(PRONOUN_FIRST)].map(({ 1: word, index }) => {
    const line = text.slice(0, index).split('\n').length;
    return `${path}:${line} begins a comment with "${word}"; begin with a verb or a noun`;
  });
}
