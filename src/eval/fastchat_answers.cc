#include "eval/fastchat_answers.h"

#include <array>
#include <chrono>
#include <set>

#include "base/error.h"
#include "base/hash.h"
#include "data/record_reader.h"
#include "eval/generation_config.h"
#include "eval/generator.h"
#include "templates/jinja_text.h"

namespace lq {
namespace {

using Line = nlohmann::ordered_json;

constexpr double kTemperature = 0.7;  // of a category that is not named
constexpr double kGreedyBelow = 1e-4;
// What transformers' generate() samples among, where a model's files say nothing.
constexpr std::int64_t kTopK = 50;

struct CategoryTemperature {
  std::string_view category;
  double temperature;
};
constexpr auto kTemperatures = std::to_array<CategoryTemperature>({{"writing", 0.7},
                                                                   {"roleplay", 0.7},
                                                                   {"extraction", 0.0},
                                                                   {"math", 0.0},
                                                                   {"coding", 0.0},
                                                                   {"reasoning", 0.0},
                                                                   {"stem", 0.1},
                                                                   {"humanities", 0.1}});

ChatQuestion question_of(const Line& record, const std::string& place) {
  ChatQuestion q;
  const auto id = record.find("question_id");
  LQ_CHECK(id != record.end() && id->is_number_integer(), kCorruptFile,
           "{}: 'question_id': a whole number was expected", place);
  q.id = id->get<std::int64_t>();
  const auto category = record.find("category");
  if (category != record.end() && category->is_string()) q.category = category->get<std::string>();
  const auto turns = record.find("turns");
  const auto text = record.find("text");
  if (turns != record.end() && turns->is_array()) {
    for (const Line& turn : *turns) {
      LQ_CHECK(turn.is_string(), kCorruptFile, "{}: 'turns': a list of texts was expected", place);
      q.turns.push_back(turn.get<std::string>());
    }
  } else if (text != record.end() && text->is_string()) {
    q.turns.push_back(text->get<std::string>());
  }
  LQ_CHECK(!q.turns.empty(), kCorruptFile, "{}: neither 'turns' nor 'text' holds a question", place);
  const auto own = record.find("required_temperature");
  if (own != record.end()) {
    LQ_CHECK(own->is_number() && own->get<double>() >= 0, kCorruptFile,
             "{}: 'required_temperature': a number of 0 or more was expected", place);
    q.temperature = own->get<double>();
  }
  return q;
}

std::string answer_id(const std::string& model_id, const ChatQuestion& question) {
  return hash_hex(Line({model_id, question.id, question.turns}).dump()).substr(0, 22);
}

// As transformers' generate() has it from the model's file, where FastChat says whether it samples, and how
// warm.
SamplerOptions sampler_of(const GenerationConfig& file, double temperature) {
  const bool samples = temperature >= kGreedyBelow;
  SamplerOptions sampler = file.options({.temperature = samples ? temperature : 0.0});
  if (samples && !file.sampling.top_k) sampler.top_k = kTopK;
  return sampler;
}

// Of all that an answer depends on besides the model.
std::string asked_hash(const ChatQuestion& q, const SamplerOptions& s, const std::vector<std::string>& stop,
                       const ChatAnswerOptions& options, const ChatTemplate& chat) {
  Line asked({options.model_id, q.turns, s.temperature, s.top_k, s.top_p, s.min_p, s.repetition_penalty, stop,
              options.max_tokens, options.seed, chat.name()});
  if (s.typical_p < 1.0 || s.epsilon_cutoff > 0.0 || s.eta_cutoff > 0.0) {
    asked.push_back({s.typical_p, s.epsilon_cutoff, s.eta_cutoff});
  }
  if (!s.rules.empty()) asked.push_back(s.rules.key());
  return hash_hex(asked.dump());
}

double seconds_since_1970() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

std::vector<ChatQuestion> read_chat_questions(const std::filesystem::path& file) {
  const auto reader = RecordReader::open(file, RecordOptions());
  std::vector<ChatQuestion> questions;
  std::set<std::int64_t> seen;
  Line record;
  while (reader->next(record)) {
    questions.push_back(question_of(record, reader->place()));
    LQ_CHECK(seen.insert(questions.back().id).second, kCorruptFile, "{}: question_id {} comes twice",
             reader->place(), questions.back().id);
  }
  LQ_CHECK(!questions.empty(), kCorruptFile, "[vicuna] {}: it holds no questions", file.string());
  return questions;
}

double chat_temperature(const ChatQuestion& question) {
  if (question.temperature) return *question.temperature;
  for (const CategoryTemperature& known : kTemperatures) {
    if (known.category == question.category) return known.temperature;
  }
  return kTemperature;
}

std::vector<Line> chat_answers(Context& ctx, const Model& model, const Tokenizer& tokenizer,
                               const ChatTemplate& chat, const std::vector<ChatQuestion>& questions,
                               const ChatAnswerOptions& options) {
  Generator generator(model, tokenizer);
  const GenerationConfig file = GenerationConfig::load(model.checkpoint()->folder());
  if (!file.ignored.empty()) ctx.progress.note("generation_config.json: " + file.not_followed());
  GenerateOptions generate;
  generate.stop = file.stop_strings;
  generate.max_tokens = options.max_tokens;
  generate.precision = DecodePrecision::kFine;
  if (!chat.end_of_turn().empty()) {
    if (const auto id = tokenizer.id_of(chat.end_of_turn())) {
      generator.add_eos(*id);
    } else {
      generate.stop.push_back(chat.end_of_turn());
    }
  }
  std::vector<Line> lines;
  ctx.progress.begin("answer", std::ssize(questions), "questions");
  for (const ChatQuestion& q : questions) {
    ctx.stop.check();
    const double temperature = chat_temperature(q);
    generate.sampler = sampler_of(file, temperature);
    const std::string asked = asked_hash(q, generate.sampler, generate.stop, options, chat);
    const nlohmann::json* kept = options.store != nullptr ? options.store->find(q.id, asked) : nullptr;
    Line turns = Line::array();
    double when = 0.0;
    if (kept != nullptr) {
      for (const auto& turn : kept->at("turns")) turns.push_back(turn.get<std::string>());
      when = kept->at("tstamp").get<double>();
    } else {
      std::vector<ChatMessage> messages;
      for (std::size_t t = 0; t < q.turns.size(); ++t) {
        messages.push_back({"user", q.turns[t]});
        generate.sampler.seed =
            options.seed + 1000003 * static_cast<std::uint64_t>(q.id) + static_cast<std::uint64_t>(t);
        const auto ids =
            tokenizer.encode(chat.render(messages, true),
                             EncodeOptions{.add_special = false, .special_text = SpecialText::kParse});
        LQ_CHECK(std::ssize(ids) < model.spec().max_positions, kInvalidArgument,
                 "[vicuna] question {}: turn {} has {} tokens with what came before, which leaves no room in "
                 "the model's {}",
                 q.id, t + 1, ids.size(), model.spec().max_positions);
        const GenerateResult r = generator.generate(ctx, ids, generate);
        const std::string answer = jinja::strip(r.text, true, true, std::nullopt);
        messages.push_back({"assistant", answer});
        turns.push_back(answer);
      }
      when = seconds_since_1970();
      if (options.store != nullptr)
        options.store->put(q.id, asked, {{"turns", nlohmann::json(turns)}, {"tstamp", when}});
    }
    Line choices = Line::array();
    choices.push_back({{"index", 0}, {"turns", turns}});
    lines.push_back({{"question_id", q.id},
                     {"answer_id", answer_id(options.model_id, q)},
                     {"model_id", options.model_id},
                     {"choices", choices},
                     {"tstamp", when}});
    ctx.progress.update(std::ssize(lines), "");
  }
  ctx.progress.end();
  return lines;
}

std::vector<Line> judge_pairs(const std::vector<ChatQuestion>& questions, const std::vector<Line>& first,
                              const std::vector<Line>& second) {
  std::vector<Line> pairs;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    pairs.push_back({{"question_id", questions[i].id},
                     {"category", questions[i].category},
                     {"turns", questions[i].turns},
                     {"model_1", first[i]["model_id"]},
                     {"model_2", second[i]["model_id"]},
                     {"answer_1", first[i]},
                     {"answer_2", second[i]}});
  }
  return pairs;
}

}  // namespace lq
