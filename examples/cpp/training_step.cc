// A low-rank adapter learns a sentence in a few steps, and is written for PEFT.
// usage: training_step MODEL SENTENCE OUT
#include <lqlora/lqlora.h>

#include <iostream>

int main(int argc, char** argv) try {
  if (argc != 4) return std::cerr << "usage: training_step MODEL SENTENCE OUT\n", 2;
  lqlora::Context context;
  const auto tokenizer = lqlora::Tokenizer::load(argv[1]);
  auto model = lqlora::Model::load(context, lqlora::Checkpoint::open(argv[1]));
  lqlora::Trainer trainer(context, model, {.rank = 8, .learning_rate = 5e-3});

  const lqlora::TrainingSequence sentence = {tokenizer.encode(argv[2])};
  for (int i = 0; i < 5; ++i) {
    const lqlora::StepResult r = trainer.step({&sentence, 1});
    std::cout << "step " << trainer.steps() << ": loss " << r.loss << ", gradient " << r.gradient_norm << ", "
              << r.tokens << " tokens\n";
  }
  trainer.save_adapter(argv[3]);

  // The adapter on the model as it was.
  const auto again = lqlora::Model::load(context, lqlora::Checkpoint::open(argv[1]), {.adapter = argv[3]});
  double sum = 0;
  for (const float loss : again.losses(context, sentence.ids)) sum += loss;
  std::cout << "with the adapter from " << argv[3] << ": loss "
            << sum / static_cast<double>(sentence.ids.size() - 1) << "\n";
} catch (const lqlora::Error& e) {
  return std::cerr << e.what() << "\n", 1;
}
