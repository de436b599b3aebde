"""The HTTP service of `vecmill serve`: queries of word vectors and language models, and the page that shows them.

`messages.py` has what requests and responses hold, `operations.py` the list of operations and their answers,
`openapi.py` describes them, `application.py` is the ASGI application, `server.py` runs it.
"""
