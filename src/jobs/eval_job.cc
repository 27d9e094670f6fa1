#include "jobs/eval_job.h"

#include <memory>
#include <optional>

#include "base/process.h"
#include "base/version.h"
#include "data/document_reader.h"
#include "eval/fastchat_answers.h"
#include "eval/harness_results.h"
#include "eval/perplexity.h"
#include "eval/run_tasks.h"
#include "files/atomic_file.h"
#include "files/content_hash.h"
#include "files/job.h"
#include "files/json_file.h"
#include "files/options/job_identity.h"
#include "jobs/asked_tasks.h"
#include "models/adapter_to_load.h"
#include "models/placement.h"

namespace lq {
namespace {

using Json = nlohmann::ordered_json;

bool is_results_file(const std::filesystem::path& path) {
  try {
    const nlohmann::json json = read_json(path);
    return json.is_object() && json.contains("results") && json.contains("config");
  } catch (const Error& e) {
    if (e.code() == ErrorCode::kIo) throw;
    return false;
  }
}

std::string folder_name(const std::filesystem::path& path) {
  const std::filesystem::path whole = std::filesystem::absolute(path).lexically_normal();
  return (whole.has_filename() ? whole.filename() : whole.parent_path().filename()).string();
}

// What beside its tensors says what a model answers: its config.json and its adapter.
void add_model(JobOptions& options, const std::string& key, const Checkpoint& checkpoint,
               const ModelLoadOptions& load) {
  add_identity(options, key + "config_hash", checkpoint.config_hash());
  const std::filesystem::path adapter = adapter_to_load(checkpoint, load);
  for (const auto& [name, file] : {std::pair("adapter_hash", "adapter_model.safetensors"),
                                   std::pair("adapter_config_hash", "adapter_config.json")}) {
    add_identity(options, key + name,
                 adapter.empty() ? nlohmann::json() : nlohmann::json(content_hash(adapter / file)));
  }
}

class Evaluation {
 public:
  Evaluation(Context& ctx, const EvalOptions& options)
      : ctx_(ctx), o_(options), asked_(asked_tasks(options)), model_(options.model.load(ctx)) {
    tokenizer_ = Tokenizer::load(model_.checkpoint()->folder());
    if (!o_.reference.empty()) reference_.emplace(Model::load(ctx, o_.reference));
    const PlacementNeed need = device_need();
    std::vector<const Model*> models = {&model_};
    if (reference_) models.push_back(&*reference_);
    place_.emplace(choose_device(ctx, models, need, "eval"));
    if (!o_.out.empty()) claim();
    move_model(*place_, model_, need);
    if (reference_) move_model(*place_, *reference_, need);
    if (!o_.samples.empty()) samples_.emplace(o_.samples);
  }

  Json run(const OnTask& on_task) {
    Json json;
    std::vector<TaskResult> results;
    for (const AskedTask& a : asked_) {
      const std::string name = a.task ? a.task->name : a.name;
      Json scores = a.perplexity ? text_scores(a) : a.chat ? chat_scores(a) : task_scores_of(a);
      if (!a.chat) results.push_back({name, a.task ? &*a.task : nullptr, scores});
      if (on_task) on_task(name, scores);
      json[name] = std::move(scores);
    }
    if (samples_) samples_->commit();
    if (!report_.empty()) json["findings"] = report_.to_json();
    if (job_) {
      write_json(o_.out, harness_results(results, config()));
      job_->finish();
    }
    return json;
  }

 private:
  // Of a device's memory, for all that is asked.
  PlacementNeed device_need() const {
    constexpr std::int64_t kTokens = 2048;                      // that pass together, at most in general
    constexpr std::int64_t kCaches = std::int64_t{512} << 20U;  // of requests, or of texts
    PlacementNeed need{.memory = model_.memory_estimate(kTokens, false), .more = kCaches};
    if (reference_) {
      const ModelMemory theirs = reference_->memory_estimate(kTokens, false);
      need.memory.weights += theirs.weights;
      need.memory.parameters += theirs.parameters;
      need.more += kCaches + theirs.activations + theirs.scratch;
    }
    return need;
  }

  void claim() {
    JobOptions options;
    options.output = JobOutput::kFile;
    options.kind = "results file";
    options.is_kind = is_results_file;
    options.inputs = {model_.checkpoint()->path()};
    EvalOptions o = o_;
    options.job = with_identity({{"verb", "eval"},
                                 {"version", kVersion},
                                 {"seed", ctx_.seed},
                                 {"hash", model_.checkpoint()->hash(ctx_.pool, ctx_.stop)}},
                                [&](OptionVisitor& v) { describe(v, o); });
    // Another kind of device gives other numbers; jobs of the processor have never said so.
    if (!place_->device.is_cpu()) options.job["device"] = "cuda";
    if (reference_) options.job["reference_hash"] = reference_->checkpoint()->hash(ctx_.pool, ctx_.stop);
    add_model(options, "", *model_.checkpoint(),
              {.adapter = o_.model.adapter, .no_adapter = o_.model.no_adapter});
    if (reference_) add_model(options, "reference_", *reference_->checkpoint(), {});
    job_.emplace(o_.out, options);
    if (job_->state() == JobState::kResumable)
      ctx_.progress.note("eval: going on with the answers in " + job_->work_dir().string());
  }

  // Null where answers are not kept.
  AnswerStore* store(const std::string& name) {
    if (!job_) return nullptr;
    std::string file = name;
    for (char& c : file) {
      if (c == '/' || c == ':') c = '_';
    }
    stores_.push_back(std::make_unique<AnswerStore>(job_->work_dir() / (file + ".answers")));
    return stores_.back().get();
  }

  Json text_scores(const AskedTask& a) {
    DocumentOptions documents;
    documents.field = o_.text.field;
    documents.records.report = &report_;
    const std::string text = joined_documents(o_.data, documents);
    for (const std::string& line : report_.lines()) ctx_.progress.note("data: " + line);
    PerplexityOptions options;
    options.seq_len = a.window;
    options.reference = reference();
    options.store = store(a.name);
    const ModelMemory memory = model_.memory_estimate(options.batch_tokens, false);
    ctx_.progress.note(fmt::format("eval: {} of text; needs about {} of memory, {} of it the model",
                                   human_bytes(static_cast<double>(text.size())),
                                   human_bytes(static_cast<double>(memory.total())),
                                   human_bytes(static_cast<double>(memory.weights))));
    const PerplexityResult r = perplexity(*place_, model_, *tokenizer_, text, options);
    Json json = {{"perplexity", r.perplexity},
                 {"nll_per_token", r.nll_per_token},
                 {"nll_per_byte", r.nll_per_byte},
                 {"tokens", r.tokens},
                 {"bytes", r.bytes},
                 {"windows", r.windows},
                 {"seq_len", r.seq_len},
                 {"bos", r.bos},
                 {"convention", fmt::format("windows of {} tokens without overlap, {}", r.seq_len,
                                            r.bos ? "each starting with BOS" : "no BOS")},
                 {"seconds", r.seconds}};
    if (r.kl) json["kl"] = *r.kl;
    return json;
  }

  Json task_scores_of(const AskedTask& a) {
    TaskOptions options;
    options.data = o_.data;
    options.limit = o_.limit;
    if (o_.shots) options.shots = static_cast<int>(*o_.shots);
    options.max_new_tokens = o_.max_tokens;
    options.reference = reference();
    options.store = store(a.task->name);
    if (reference_) options.reference_store = store(a.task->name + ".reference");
    if (samples_) {
      options.on_sample = [this](const Json& line) {
        samples_->write(line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
      };
    }
    return run_task(*place_, model_, *tokenizer_, *a.task, options);
  }

  Json chat_scores(const AskedTask& a) {
    const double begin = monotonic_seconds();
    std::vector<ChatQuestion> questions = read_chat_questions(o_.data);
    if (o_.limit > 0 && o_.limit < std::ssize(questions))
      questions.resize(static_cast<std::size_t>(o_.limit));
    const std::string id = o_.model_id.empty() ? folder_name(o_.model.model) : o_.model_id;
    const std::vector<Json> answers = chat_of(model_, *tokenizer_, id, questions, store(a.name));
    if (!o_.answers.empty()) write_lines(o_.answers, answers);
    Json json = {{"questions", questions.size()}, {"model_id", id}};
    if (!o_.judge_pairs.empty()) {
      const std::string other = o_.reference_id.empty() ? folder_name(o_.reference) : o_.reference_id;
      const auto tokenizer = Tokenizer::load(reference_->checkpoint()->folder());
      write_lines(o_.judge_pairs, judge_pairs(questions, answers,
                                              chat_of(*reference_, *tokenizer, other, questions,
                                                      store(a.name + ".reference"))));
      json["reference_id"] = other;
    }
    json["seconds"] = monotonic_seconds() - begin;
    return json;
  }

  std::vector<Json> chat_of(const Model& model, const Tokenizer& tokenizer, const std::string& id,
                            const std::vector<ChatQuestion>& questions, AnswerStore* store) {
    const ChatTemplate chat = o_.format.empty() ? ChatTemplate::of_model(model.checkpoint()->folder())
                                                : ChatTemplate::by_name(o_.format, tokenizer);
    ChatAnswerOptions options;
    options.model_id = id;
    options.seed = ctx_.seed;
    options.store = store;
    // FastChat's 1024, less where the model's context is no longer than that.
    options.max_tokens =
        o_.max_tokens > 0 ? o_.max_tokens : std::min<std::int64_t>(1024, model.spec().max_positions / 2);
    return chat_answers(*place_, model, tokenizer, chat, questions, options);
  }

  static void write_lines(const std::filesystem::path& path, const std::vector<Json>& lines) {
    std::string text;
    for (const Json& line : lines)
      text += line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    write_file_atomically(path, text);
  }

  const Model* reference() const { return reference_ ? &*reference_ : nullptr; }

  Json config() const {
    return {
        {"model", "lqlora"},         {"model_args", fmt::format("pretrained={}", o_.model.model.string())},
        {"model_dtype", "float32"},  {"batch_size", 0},
        {"limit", o_.limit},         {"random_seed", ctx_.seed},
        {"lqlora_version", kVersion}};
  }

  Context& ctx_;
  const EvalOptions& o_;
  std::vector<AskedTask> asked_;
  Model model_;
  std::unique_ptr<Tokenizer> tokenizer_;
  std::optional<Model> reference_;
  std::optional<Context> place_;  // where both are computed
  std::optional<Job> job_;
  std::vector<std::unique_ptr<AnswerStore>> stores_;
  std::optional<AtomicFile> samples_;
  DataReport report_;
};

}  // namespace

Json eval_job(Context& ctx, const EvalOptions& options, const OnTask& on_task) {
  return Evaluation(ctx, options).run(on_task);
}

}  // namespace lq
