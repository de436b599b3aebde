from corpora import Corpus as Corpus
from corpora import open_corpus as open_corpus
from embeddings.documents import DocumentVectors as DocumentVectors
from embeddings.glove import GloVe as GloVe
from embeddings.glove import GloVeConfig as GloVeConfig
from embeddings.language_model import LanguageModel as LanguageModel
from embeddings.sequences import SequenceClassifier as SequenceClassifier
from embeddings.sequences import SequenceTagger as SequenceTagger
from embeddings.text.tokenizer.token_lists import NotTextError as NotTextError
from embeddings.text.tokenizer.tokenizers import Tokenizer as Tokenizer
from embeddings.text.tokenizer.tokenizers import make_tokenizer as make_tokenizer
from embeddings.text.vocabulary import Vocabulary as Vocabulary
from embeddings.training import TrainingProgress as TrainingProgress
from embeddings.vectors.training_plot import plot_training as plot_training
from embeddings.vectors.word_vectors import WordVectors as WordVectors
from embeddings.word2vec import Word2Vec as Word2Vec
from embeddings.word2vec import Word2VecConfig as Word2VecConfig
from vecmill.document_training import train_documents as train_documents
from vecmill.document_vectors import sentence_vectors as sentence_vectors
from vecmill.errors import VecmillError as VecmillError
from vecmill.evaluation import evaluate as evaluate
from vecmill.language_model_training import train_language_model as train_language_model
from vecmill.loading import load as load
from vecmill.loading import write_vectors as write_vectors
from vecmill.phrases import Phrases as Phrases
from vecmill.training import train as train

__version__: str
