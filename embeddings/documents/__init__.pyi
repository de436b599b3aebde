from .config import ParagraphVectorsConfig as ParagraphVectorsConfig
from .document_lines import lines_with_words as lines_with_words
from .model import ParagraphVectors as ParagraphVectors
from .vectors import DocumentVectors as DocumentVectors
