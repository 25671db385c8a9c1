FROM python:3.11-slim

# two lines
CMD ["python", \
"app.py"]
