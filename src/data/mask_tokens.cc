#include "data/mask_tokens.h"

#include "base/rng.h"
#include "data/batch.h"

namespace lq {

MaskedTokens mask_tokens(std::span<const std::int32_t> ids, std::span<const std::uint8_t> may,
                         const MaskOptions& options) {
  const Rng choice(options.seed, stream_of("masked tokens"));
  const Rng kind(options.seed, stream_of("what hides them"));
  const Rng token(options.seed, stream_of("tokens drawn instead"));
  MaskedTokens out;
  out.ids.assign(ids.begin(), ids.end());
  out.targets.assign(ids.size(), kNoTarget);
  for (std::size_t t = 0; t < ids.size(); ++t) {
    if (may[t] == 0 || choice.uniform(t) >= options.share) continue;
    out.targets[t] = ids[t];
    ++out.chosen;
    const double draw = kind.uniform(t);
    if (draw < options.masked) {
      out.ids[t] = options.mask;
    } else if (draw < options.masked + options.drawn) {
      out.ids[t] = static_cast<std::int32_t>(token.below(t, static_cast<std::uint64_t>(options.vocab)));
    }
  }
  return out;
}

}  // namespace lq
