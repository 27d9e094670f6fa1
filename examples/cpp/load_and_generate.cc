// A model, dense or packed, goes on with a text.
// usage: load_and_generate MODEL PROMPT
#include <lqlora/lqlora.h>

#include <iostream>

int main(int argc, char** argv) try {
  if (argc != 3) return std::cerr << "usage: load_and_generate MODEL PROMPT\n", 2;
  lqlora::Context context({.seed = 1});
  const auto tokenizer = lqlora::Tokenizer::load(argv[1]);
  const auto model = lqlora::Model::load(context, lqlora::Checkpoint::open(argv[1]));
  lqlora::Generator generator(model, tokenizer);

  std::cout << argv[2];
  const auto greedy = generator.generate(context, argv[2], {.max_tokens = 24}, [](std::string_view text) {
    std::cout << text << std::flush;
    return true;  // false would stop it
  });
  std::cout << "\n" << greedy.ids.size() << " tokens, ended by " << greedy.stop << "\n";

  // The same prompt is not computed again; draws depend on the seed alone.
  const auto drawn =
      generator.generate(context, argv[2], {.max_tokens = 24, .temperature = 0.8, .top_p = 0.95});
  std::cout << argv[2] << drawn.text << "\n";
} catch (const lqlora::Error& e) {
  return std::cerr << e.what() << "\n", 1;
}
