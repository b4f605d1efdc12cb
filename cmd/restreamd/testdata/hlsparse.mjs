// Reads playlists with hls-parser in its strict mode, and prints what is wrong with them: node hlsparse.mjs MODULE FILE...
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const [module, ...files] = process.argv.slice(2);
const HLS = (await import(pathToFileURL(module).href)).default;
HLS.setOptions({ strictMode: true });
let wrong = 0;
for (const file of files) {
  try {
    const list = HLS.parse(readFileSync(file, 'utf8'));
    if (!list.isMasterPlaylist && list.segments.length === 0) throw new Error('no segments');
    if (list.isMasterPlaylist && list.variants.length === 0) throw new Error('no variants');
  } catch (e) {
    wrong++;
    console.log(`${file}: ${e.message}`);
  }
}
process.exit(wrong > 0 ? 1 : 0);
